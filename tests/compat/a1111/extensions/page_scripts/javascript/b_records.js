// Keeps what happened, and when, for the test to ask.
pageScripts.order.push("b_records.js");
pageScripts.optionsAtStart = Object.keys(opts).length;
pageScripts.src = document.currentScript.src;
onUiLoaded(() => pageScripts.loaded.push("after the failure"));
onUiLoaded(async () => pageScripts.loaded.push("async"));
onAfterUiUpdate(() => pageScripts.afterUpdates++);
onUiTabChange(() => pageScripts.tabChanges++);
onOptionsChanged(() => pageScripts.options++);
onOptionsAvailable(() => (pageScripts.optionsAvailable = opts.sd_model_checkpoint !== undefined));
titles["Page scripts' own button"] = "A tooltip of an extension";
document.addEventListener("DOMContentLoaded", () => (pageScripts.sawLoading = true));
