pageScripts.module = import.meta.url;
onUiLoaded(() => pageScripts.loaded.push("module"));
