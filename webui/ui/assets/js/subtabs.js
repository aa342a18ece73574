// A field that chooses one of several panels is shown as a strip of tabs, in the shape that scripts written for A1111
// look for: #mode_img2img > .tab-nav > button, the chosen one with the class "selected".
import { appears, onChange } from "./dom.js";

await appears(".sub-tabs .sub-tab-choice input");

for (const holder of document.querySelectorAll(".sub-tabs")) {
  const choice = holder.querySelector(".sub-tab-choice");
  const strip = document.createElement("div");
  strip.className = "tab-nav";
  strip.setAttribute("role", "tablist");
  holder.prepend(strip);
  for (const input of choice.querySelectorAll("input")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = input.value;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => choice.querySelector(`input[value="${input.value}"]`)?.click());
    strip.append(button);
  }
  const follow = () => {
    const chosen = choice.querySelector("input:checked")?.value;
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
