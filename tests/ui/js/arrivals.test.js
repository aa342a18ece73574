// The list of arrivals: what a line tells, what it offers, what the page that is loaded next knows of it.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { showArrivals, retell } from "../../../webui/ui/assets/js/drop/arrivals.js";
import { Tray } from "../../../webui/ui/assets/js/drop/tray.js";
import { publish } from "../../../webui/ui/assets/js/dom.js";

/** @import { Line } from "../../../webui/ui/assets/js/drop/tray.js" */

/** @type {Arrival} */
const PICTURE = {
  outcome: "picture",
  name: "heron.png",
  sentence: "Its parameters are in the form.",
  kind: "",
  title: "",
  card: null,
  infotext: "a heron\nSteps: 33",
  added: [],
  missing: [
    { kind: "lora", name: "glow", state: "missing", link: "civitai:20" },
    { kind: "lora", name: "ink", state: "here", link: null },
    { kind: "checkpoint", name: "dreams", state: "other version", link: null },
  ],
};

/** What the server says of a file and the selected checkpoint. @type {CardFit} */
let fit;
/** @type {Tray} */
let tray;
let fetched = /** @type {string[]} */ ([]);

beforeEach(() => {
  sessionStorage.clear();
  fetched = [];
  fit = { fits: true, sentence: "" };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(fit)));
  document.body.innerHTML = `<div id="txt2img_prompt"><textarea></textarea></div><button id="paste"></button>`;
  tray = new Tray();
  publish({ cardsChanged: () => {}, fetchLink: (link) => fetched.push(link) });
});

afterEach(() => vi.unstubAllGlobals());

/** Titles and texts of the lines, the newest first. */
function lines() {
  return [...tray.list.children].map((line) => [
    line.className,
    line.querySelector(".tray-title")?.textContent,
    line.querySelector(".tray-text")?.textContent,
  ]);
}

/**
 * @param {string} title of the line
 * @param {string} label
 */
function press(title, label) {
  const line = [...tray.list.children].find((each) => each.querySelector(".tray-title")?.textContent === title);
  const button = [...(line?.querySelectorAll("button") ?? [])].find((each) => each.textContent === label);
  if (!button) throw new Error(`no button ${label} in ${title}`);
  button.click();
}

test("Paste is pressed when the infotext is there, not some time later, and the prompt stays until it is read", async () => {
  const read = /** @type {(string | undefined)[]} */ ([]);
  const prompt = /** @type {HTMLTextAreaElement} */ (document.querySelector("textarea"));
  prompt.value = "precious words";
  document.querySelector("#paste")?.addEventListener("click", () => read.push(window.webui.textToRead("txt2img")));
  const told = showArrivals([PICTURE], tray.add("heron.png"), tray, null);
  // Nothing was waited for, so a slow page cannot come too late.
  expect(read).toEqual(["a heron\nSteps: 33"]);
  expect(prompt.value).toBe("precious words");
  // The arrow itself reads what stands in the prompt.
  expect(window.webui.textToRead("txt2img")).toBe("precious words");
  await told;
});

test("what a picture was made with and is not here gets lines of its own", async () => {
  await showArrivals([PICTURE], tray.add("heron.png"), tray, null);
  expect(lines()).toEqual([
    ["failed", "dreams", "The checkpoint dreams is here in another version than this picture was made with."],
    ["failed", "glow", "The lora glow is not here."],
    ["done", "heron.png", "Its parameters are in the form."],
  ]);
  press("glow", "Fetch it");
  expect(fetched).toEqual(["civitai:20"]);
  expect(lines()).toHaveLength(2);
});

/** @type {Arrival} */
const LORA = {
  ...PICTURE,
  outcome: "filed",
  name: "glow.safetensors",
  sentence: "Filed in models/Lora.",
  kind: "lora",
  title: "glow",
  card: /** @type {Card} */ ({ kind: "lora", stem: "glow", reason: null, insert: "<lora:glow:1>", insert_negative: "" }),
  infotext: null,
  missing: [],
};

test.each([
  ["is written into the prompt", [LORA], "a fox", "a fox <lora:glow:1>"],
  ["stays as the artist weighed it", [LORA], "a fox <lora:glow:0.4>", "a fox <lora:glow:0.4>"],
  ["is not written where several came", [LORA, { ...LORA, name: "other" }], "a fox", "a fox"],
  ["is not written where it cannot be used", [{ ...LORA, card: { ...LORA.card, reason: "damaged" } }], "a fox", "a fox"],
])("a LoRA that came %s", async (_, arrivals, before, after) => {
  const prompt = document.querySelector("textarea");
  if (!prompt) throw new Error("the page has no prompt");
  prompt.value = before;
  await showArrivals(/** @type {Arrival[]} */ (arrivals), tray.add("glow.safetensors"), tray, null);
  expect(prompt.value).toBe(after);
});

test("a LoRA for other models is written only if the artist wants it", async () => {
  fit = { fits: false, sentence: "It is for SDXL, but the selected checkpoint, starter, is SD1." };
  const prompt = document.querySelector("textarea");
  await showArrivals([LORA], tray.add("glow.safetensors"), tray, null);
  expect(prompt?.value).toBe("");
  expect(lines()[0][2]).toBe(`Filed in models/Lora. ${fit.sentence} So it was not written into the prompt.`);
  press("glow.safetensors", "Insert anyway");
  expect(prompt?.value).toBe("<lora:glow:1>");
  expect(() => press("glow.safetensors", "Insert anyway")).toThrow("no button");
});

test("one that came long ago is told and not chosen", async () => {
  const prompt = document.querySelector("textarea");
  await showArrivals([LORA], tray.add("glow.safetensors"), tray, null, { isNews: false });
  expect(prompt?.value).toBe("");
  expect(lines()).toEqual([["done", "glow.safetensors", "Filed in models/Lora."]]);
});

test("an archive with nothing in it says so", async () => {
  await showArrivals([], tray.add("empty.zip"), tray, null);
  expect(lines()).toEqual([["failed", "empty.zip", "There was nothing in it."]]);
});

test("the page that is loaded next tells the same, and offers the same", async () => {
  await showArrivals([PICTURE], tray.add("heron.png"), tray, null);
  tray.add("busy.safetensors").progress(0.5, "5 of 10 MB");
  const known = tray.add("by-the-server.safetensors");
  known.say("Paused.");
  known.isToldByServer = true;
  const before = lines().filter(([, title]) => title !== "busy.safetensors" && title !== "by-the-server.safetensors");
  dispatchEvent(new Event("pagehide"));
  const kept = tray.kept();
  tray.element.remove();
  tray = new Tray();
  for (const line of kept) retell(line, tray);
  expect(lines()).toEqual(before);
  press("glow", "Fetch it");
  expect(fetched).toEqual(["civitai:20"]);
});

test("a told infotext is not pasted again", async () => {
  await showArrivals([PICTURE], tray.add("heron.png"), tray, null);
  dispatchEvent(new Event("pagehide"));
  let presses = 0;
  document.querySelector("#paste")?.addEventListener("click", () => (presses += 1));
  for (const line of tray.kept()) retell(line, tray);
  expect(presses).toBe(0);
});

test("of a long list the newest fifty are kept", () => {
  for (let count = 0; count < 60; count++) tray.add(`${count}`).say("done", "done");
  dispatchEvent(new Event("pagehide"));
  expect(tray.kept().map(({ title }) => title)).toEqual(Array.from({ length: 50 }, (_, at) => `${at + 10}`));
});

test("clearing leaves what is on its way, and the list goes with its last line", () => {
  tray.add("done").say("Filed.", "done");
  const line = tray.add("busy");
  line.progress(null, "Asking …");
  tray.clear();
  expect(lines().map(([, title]) => title)).toEqual(["busy"]);
  expect(tray.element.hidden).toBe(false);
  line.remove();
  expect(tray.element.hidden).toBe(true);
});

/** Changes are seen after the script that made them, and time passes as it is told to. */
async function pass(/** @type {number} */ ms) {
  await Promise.resolve();
  await vi.advanceTimersByTimeAsync(ms);
}

afterEach(() => {
  vi.useRealTimers();
});

const isFolded = () => tray.element.classList.contains("folded");

test("the list folds by itself once all went well, and opens again", async () => {
  vi.useFakeTimers();
  tray.add("heron.png").say("It is in the form.", "done");
  await pass(3000);
  expect(isFolded()).toBe(false);
  await pass(30_000);
  expect(isFolded()).toBe(true);
  expect(tray.unfold.textContent).toBe("Arrivals · 1");
  tray.unfold.click();
  expect(isFolded()).toBe(false);
  await pass(0);
  tray.add("owl.png").say("It is in the form.", "done");
  expect(isFolded()).toBe(false);
});

test.each([
  ["goes on", (/** @type {Line} */ line) => line.progress(0.5, "half")],
  ["went wrong", (/** @type {Line} */ line) => line.say("No.", "failed")],
  ["asks something", (/** @type {Line} */ line) => {
    line.say("Paused.");
    line.offer("Go on", () => {});
  }],
])("the list stays open while something %s", async (_, act) => {
  vi.useFakeTimers();
  tray.add("one.png").say("Here.", "done");
  act(tray.add("two.png"));
  await pass(60_000);
  expect(isFolded()).toBe(false);
});

test("a button that only leads somewhere does not keep the list open", async () => {
  vi.useFakeTimers();
  const line = tray.add("glow.safetensors");
  line.say("Here.", "done");
  line.offer("Details", () => {}, { asks: false });
  await pass(30_000);
  expect(isFolded()).toBe(true);
});
