// A function that an event names.
function g3Named(text) {
  return `named ${text}`;
}
