// A field that chooses one of several panels is shown as a strip of tabs, in the shape that scripts written for A1111
// look for: #mode_img2img > .tab-nav > button, the chosen one with the class "selected".
import { appears, find, findAll, onChange } from "./dom.js";

await appears(".sub-tabs .sub-tab-choice input");

for (const holder of findAll(".sub-tabs")) {
  const choice = find(".sub-tab-choice", holder);
  if (!choice) continue;
  const strip = document.createElement("div");
  strip.className = "tab-nav";
  strip.setAttribute("role", "tablist");
  holder.prepend(strip);
  for (const input of findAll(":scope input", choice)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = input.value;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => find(`:scope input[value="${input.value}"]`, choice)?.click());
    strip.append(button);
  }
  const follow = () => {
    const chosen = find(":scope input:checked", choice)?.value;
    for (const button of strip.children) {
      const selected = button.textContent === chosen;
      button.classList.toggle("selected", selected);
      button.setAttribute("aria-selected", String(selected));
    }
    dispatchEvent(new Event("resize"));
  };
  // Gradio marks the label of the chosen input with a class, also where a handler chose it.
  onChange(choice, follow, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
}
