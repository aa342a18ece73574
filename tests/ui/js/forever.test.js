// Generate forever: the next job begins when the page is told that one has ended, and at no other time.
import { beforeEach, expect, test, vi } from "vitest";
import { nextFrame } from "../../../webui/ui/assets/js/dom.js";
import "./forever_page.js";
import "../../../webui/ui/assets/js/forever.js";

let presses = 0;
document.getElementById("txt2img_generate")?.addEventListener("click", () => (presses += 1));
let jobs = 0;

/** As the server tells the page of a job's end. */
async function end(outcome = "done", waiting = 0, job = `job ${(jobs += 1)}`) {
  const shown = document.getElementById("txt2img_progress");
  if (!shown) throw new Error("the page has no progress");
  shown.innerHTML = '<div class="progressDiv"></div>';
  await settle();
  shown.innerHTML = `<span class="job-ended" data-job="${job}" data-outcome="${outcome}" data-waiting="${waiting}"></span>`;
  await settle();
}

/** Until the page has looked at what changed: two frames are enough. */
async function settle() {
  for (let frame = 0; frame < 2; frame++) await nextFrame();
}

/** @param {string} label */
function choose(label) {
  document.getElementById("txt2img_generate")?.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
  const entry = [...document.querySelectorAll(".context-menu button")].find(({ textContent }) => textContent === label);
  if (!(entry instanceof HTMLButtonElement)) throw new Error(`no entry ${label}`);
  if (!entry.disabled) entry.click();
}

beforeEach(() => {
  choose("Cancel generate forever");
  presses = 0;
});

test("it begins at once, and again after each job", async () => {
  choose("Generate forever");
  expect(presses).toBe(1);
  for (const outcome of ["done", "stopped", "cancelled"]) await end(outcome);
  expect(presses).toBe(4);
});

test("it waits for the last of the jobs that stand in the queue", async () => {
  choose("Generate forever");
  await end("done", 2);
  await end("done", 1);
  expect(presses).toBe(1);
  await end("done", 0);
  expect(presses).toBe(2);
});

test("the end of one job counts once, however often the page is told", async () => {
  choose("Generate forever");
  await end("done", 0, "the same");
  await end("done", 0, "the same");
  expect(presses).toBe(2);
});

test("a job that ended before does not count", async () => {
  await end("done", 0, "earlier");
  choose("Generate forever");
  await end("done", 0, "earlier");
  expect(presses).toBe(1);
});

test("it ends when it is told to, and when a job fails", async () => {
  choose("Generate forever");
  choose("Cancel generate forever");
  await end();
  expect(presses).toBe(1);
  choose("Generate forever");
  await end("failed");
  await end();
  expect(presses).toBe(2);
  expect(document.getElementById("txt2img_generate")?.classList.contains("forever")).toBe(false);
});

test("it goes on in the background, where nothing is drawn", async () => {
  vi.stubGlobal("requestAnimationFrame", () => 0);
  try {
    choose("Generate forever");
    await end();
    expect(presses).toBe(2);
  } finally {
    vi.unstubAllGlobals();
  }
});

test("without it nothing is pressed", async () => {
  await end();
  expect(presses).toBe(0);
});
