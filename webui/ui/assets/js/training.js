// The tab "Train": its scripts and styles come when it is first shown, so that no page waits for them.
import { make } from "./controls.js";
import { appears, onceChosen } from "./dom.js";
import { address } from "./server.js";

const STYLES = ["page", "desk", "setup", "runs", "results"];

/** @param {string} name */
function loadStyle(name) {
  const { href } = address(`assets/page/css/training/${name}.css`);
  const link = make("link", { rel: "stylesheet", href });
  return new Promise((resolve) => {
    // Without its looks the tab still does its work.
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}

async function load() {
  await Promise.all(STYLES.map(loadStyle));
  await import("./training/page.js");
}

const panel = await appears("#tab_train");
await appears("#train_place");
onceChosen(panel, () => void load());
