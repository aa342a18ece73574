// A field that chooses one of several panels is shown as a strip of tabs, in the shape that scripts written for A1111
// look for: #mode_img2img > .tab-nav > button, the chosen one with the class "selected".
import { make } from "./controls.js";
import { appears, find, findAll, onChange } from "./dom.js";
import { connect, markChosen } from "./strip.js";

await appears(".sub-tabs .sub-tab-choice input");

/** The class of the panel that belongs to a choice; `components/sub_tabs.py` writes it. */
function panelOf(/** @type {Element} */ holder, /** @type {string} */ choice) {
  return find(`.sub-tab-panel.mode-${CSS.escape(choice.toLowerCase().replaceAll(" ", "-"))}`, holder);
}

for (const holder of findAll(".sub-tabs")) {
  const choice = find(".sub-tab-choice", holder);
  if (!choice) continue;
  const label = find("[data-testid='block-info']", choice)?.textContent.trim() || "What to show";
  const strip = make("div", { className: "tab-nav", attributes: { role: "tablist", "aria-label": label } });
  holder.prepend(strip);
  for (const { value } of findAll(":scope input", choice)) {
    const press = () => find(`:scope input[value="${value}"]`, choice)?.click();
    // By the value, as an extension may translate the words.
    const attributes = { role: "tab", "data-choice": value };
    const button = make("button", { type: "button", textContent: value, onclick: press, attributes });
    connect(button, panelOf(holder, value));
    strip.append(button);
  }
  const follow = () => {
    const chosen = find(":scope input:checked", choice)?.value;
    markChosen(strip, ({ dataset }) => dataset.choice === chosen);
    dispatchEvent(new Event("resize"));
  };
  // Gradio marks the label of the chosen input with a class, also where a handler chose it.
  onChange(choice, follow, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
}
