// Keeps what happened, and when, for the test to ask.
pageScripts.order.push("b_records.js");
pageScripts.optionsAtStart = Object.keys(opts).length;
// As extensions wait for the page: once there are settings, all of it is there.
new MutationObserver(() => {
    if (pageScripts.withOptions || opts.sd_model_checkpoint === undefined) return;
    const needed = ["txt2img_res_switch_btn", "img2img_res_switch_btn", "txt2img_width", "img2img_extra_tabs"];
    pageScripts.withOptions = { options: Object.keys(opts).length, missing: needed.filter((id) => !document.getElementById(id)) };
}).observe(gradioApp(), { childList: true, subtree: true });
pageScripts.src = document.currentScript.src;
// As extensions wait for a frame of theirs, and take the rest of the page for granted then.
pageScripts.framesLoaded = 0;
pageScripts.frames = { early: 0 };
new MutationObserver((changes, observer) => {
    if (!document.getElementById("framed")) return;
    observer.disconnect();
    pageScripts.frames.early = document.querySelector("#tab_extras button#extras_send_to_extras") ? 0 : 1;
}).observe(gradioApp(), { childList: true, subtree: true });
onUiLoaded(() => (pageScripts.frames.atStart = document.querySelectorAll("#framed").length));
onUiLoaded(() => pageScripts.loaded.push("after the failure"));
onUiLoaded(async () => pageScripts.loaded.push("async"));
onAfterUiUpdate(() => pageScripts.afterUpdates++);
onUiTabChange(() => pageScripts.tabChanges++);
onOptionsChanged(() => pageScripts.options++);
pageScripts.lateOptions = 0;
onUiLoaded(() => onOptionsChanged(() => pageScripts.lateOptions++));
onOptionsAvailable(() => (pageScripts.optionsAvailable = opts.sd_model_checkpoint !== undefined));
titles["Page scripts' own button"] = "A tooltip of an extension";
document.addEventListener("DOMContentLoaded", () => (pageScripts.sawLoading = true));
// Many ask the document itself.
onUiLoaded(() => {
    const found = [
        document.querySelector("#txt2img_prompt > label > textarea"),
        document.querySelectorAll("#tabs > .tab-nav > button")[0],
        document.getElementById("txt2img_extra_networks"),
    ];
    pageScripts.onDocument = found.map((each) => each instanceof Element);
    pageScripts.nowhere = [document.querySelector("#nowhere"), document.getElementById("nowhere")];
});
pageScripts.find = (selector) => document.querySelector(selector);
// As extensions go from panel to panel: by elements' own children, in Gradio 3's shapes.
pageScripts.walkPanels = () => {
    const panels = [...document.getElementById("txt2img_script_container").querySelector(".styler").children];
    return panels.flatMap((panel) => {
        const accordion = panel.querySelector(".styler").querySelector(".gradio-accordion");
        if (!accordion) return [];
        const inside = [...accordion.children].filter((each) => !each.classList.contains("label-wrap") && each.children.length);
        const tick = accordion.querySelector(".input-accordion-checkbox");
        return [accordion.querySelector(".label-wrap>span").textContent.trim(), tick.checked, inside.length].join();
    });
};
pageScripts.listen = (element, told) => element.addEventListener("click", told);
pageScripts.unlisten = (element, told) => element.removeEventListener("click", told);
