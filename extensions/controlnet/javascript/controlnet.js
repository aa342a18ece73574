// ControlNet's form on the page: draws the units in place of the form that the page would make of them.
import { editor } from "./mount.js";

/** @type {any} */ (window).atelier?.registerPart("controlnet", editor);
