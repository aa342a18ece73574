// The list of layers: choose, show and hide, opacity, add, delete.
import { iconButton, make, slider } from "../controls.js";

/** @import { Board } from "./board.js" */

/**
 * Draws the list into an element, and anew whenever something changes.
 * @param {HTMLElement} panel
 * @param {Board} board
 */
export function drawLayerPanel(panel, board) {
  const list = make("div", { className: "canvas-layer-list" });
  panel.append(
    make("div", { className: "canvas-layer-head" }, make("span", { textContent: "Layers" }), iconButton("add", "Add a layer", () => board.addLayer())),
    list,
  );
  let drawn = "";
  board.on("change", () => {
    const { layers, active } = board.state;
    const told = JSON.stringify([active, layers.map(({ name, opacity, visible }) => [name, opacity, visible])]);
    // A slider that is being dragged must not be replaced.
    if (told === drawn || panel.querySelector("input:active")) return;
    drawn = told;
    list.replaceChildren(...layers.map((layer, index) => row(board, layer, index)).reverse());
  });
}

/**
 * @param {Board} board
 * @param {Layer} layer
 * @param {number} index
 */
function row(board, layer, index) {
  const eye = iconButton(layer.visible ? "eye" : "eye-closed", layer.visible ? "Hide this layer" : "Show this layer", () =>
    board.set(layer, { visible: !layer.visible }),
  );
  const name = make("button", {
    type: "button",
    className: "canvas-layer-name",
    textContent: layer.name,
    title: "Paint on this layer",
    onclick: () => board.choose(index),
  });
  const before = layer.opacity;
  const opacity = slider("Opacity of this layer", [0, 1, 0.01], layer.opacity, (value) => {
    layer.opacity = value;
    board.view.redraw();
  });
  opacity.addEventListener("change", () => {
    const value = layer.opacity;
    layer.opacity = before;
    board.set(layer, { opacity: value });
  });
  const isActive = index === board.state.active;
  return make(
    "div",
    { className: isActive ? "canvas-layer active" : "canvas-layer" },
    eye,
    name,
    opacity,
    iconButton("clear", "Delete this layer", () => board.deleteLayer(layer)),
  );
}
