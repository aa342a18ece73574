// The first of all scripts fails, as some do: those after it must run, and it stands on the page of health.
window.pageScripts = { order: ["a_broken.js"], updates: 0, afterUpdates: 0, tabChanges: 0, loaded: [], options: 0, module: "" };
onUiLoaded(() => window.pageScripts.loaded.push("before the failure"));
onUiLoaded(() => {
    throw new Error("onUiLoaded fails here");
});
onUiUpdate(() => {
    if (window.pageScripts.updates++ === 0) throw new TypeError("onUiUpdate fails here");
});
thisNameIsNowhere.call();
