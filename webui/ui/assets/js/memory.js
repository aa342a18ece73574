// Keeps the values of a form in this browser, so that a reload does not lose them.
import { publish } from "./dom.js";

function remember(key, names, values) {
  try {
    const fields = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    localStorage.setItem(key, JSON.stringify(fields));
  } catch {
    // A full or forbidden storage must not disturb the work; the server still knows the last job.
  }
  return [];
}

publish({ remember });
