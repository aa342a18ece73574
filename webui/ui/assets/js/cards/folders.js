// The folders of a kind as an indented list.
import { make } from "../controls.js";

/**
 * Buttons for all folders, {path, count}, and one for everything; `choose` gets the path.
 * @param {CardFolder[]} folders
 * @param {string} chosen
 * @param {(path: string) => void} choose
 */
export function folderTree(folders, chosen, choose) {
  const below = folders.filter(({ path }) => path);
  return [{ path: "", count: "" }, ...below].map(({ path, count }) => {
    const button = make(
      "button",
      { type: "button", title: path || "All folders", onclick: () => choose(path) },
      make("span", { className: "folder-name", textContent: path ? path.split("/").at(-1) : "All" }),
      make("span", { className: "folder-count", textContent: count }),
    );
    button.style.setProperty("--depth", String(path ? path.split("/").length : 0));
    button.classList.toggle("selected", path === chosen);
    return button;
  });
}
