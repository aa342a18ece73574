// A function that an event names.
function g3Named(text) {
  return `named ${text}`;
}

// Called when the extension's own tab is there.
onUiLoaded(() => (window.g3FoundItsTab = Boolean(gradioApp().querySelector("#g3_out"))));
