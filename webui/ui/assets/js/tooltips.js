// Small buttons show a picture; their word becomes the tooltip. Fields without a visible label say what they are.
import { appears, findAll, onChange } from "./dom.js";

await appears(".tool");
onChange(document.body, () => {
  for (const button of findAll("button.tool:not([title])")) {
    button.title = button.textContent.trim();
  }
  for (const field of findAll("[id$='_styles'] input:not([placeholder])")) {
    field.placeholder = "Styles";
  }
  // Gradio names these by other words than they show; who speaks to the page says what stands there.
  for (const button of findAll("button.upload-container[aria-label]")) {
    if (button.textContent.trim()) button.removeAttribute("aria-label");
  }
});
