// Choosing a model: the page asks for what is wanted when it can take it, and says when it is shown.
import { beforeEach, expect, test } from "vitest";
import { chooseModel } from "../../../webui/ui/assets/js/cards/choosing.js";

let clicks = 0;

beforeEach(() => {
  document.body.innerHTML = '<button id="choose_model"></button>';
  clicks = 0;
  document.getElementById("choose_model")?.addEventListener("click", () => (clicks += 1));
});

test("it is done when the page shows it, and not before", async () => {
  let isDone = false;
  const chosen = chooseModel("sd_vae", "a.safetensors").then(() => (isDone = true));
  expect(clicks).toBe(1);
  expect(JSON.parse(window.webui.nextChoice())).toEqual({ option: "sd_vae", title: "a.safetensors" });
  await new Promise(requestAnimationFrame);
  expect(isDone).toBe(false);
  window.webui.choiceShown();
  await chosen;
  expect(isDone).toBe(true);
});

test("two at once each get their turn, in order", async () => {
  const done = /** @type {string[]} */ ([]);
  const both = ["one", "two"].map((title) => chooseModel("sd_vae", title).then(() => done.push(title)));
  expect(JSON.parse(window.webui.nextChoice()).title).toBe("one");
  expect(JSON.parse(window.webui.nextChoice()).title).toBe("two");
  window.webui.choiceShown();
  await both[0];
  expect(done).toEqual(["one"]);
  window.webui.choiceShown();
  await both[1];
  expect(done).toEqual(["one", "two"]);
});
