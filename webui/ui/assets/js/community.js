// The tab "Extensions": its panel is made here, and its scripts and styles come when it is first shown, so that no
// page waits for them.
import { make } from "./controls.js";
import { appears, onceChosen } from "./dom.js";
import { address } from "./server.js";

async function load() {
  const { href } = address("assets/page/css/community/page.css");
  const link = make("link", { rel: "stylesheet", href });
  await new Promise((resolve) => {
    // Without its looks the tab still does its work.
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
  await import("./community/page.js");
}

const tabs = await appears("#tabs");
// The last of the tabs that the server drew.
await appears("#tab_settings .tab-name");
const panel = make("div", { id: "tab_extensions", className: "tabitem community-tab" },
  make("div", { className: "block tab-name-holder" }, make("h1", { className: "tab-name", textContent: "Extensions" })),
  make("div", { id: "extensions_place", className: "community" }));
panel.style.display = "none";
tabs.append(panel);
onceChosen(panel, () => void load());
