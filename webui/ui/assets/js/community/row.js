// One extension in the list of those that are installed.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { menuButton } from "../menu.js";
import { healthView } from "./health.js";
import { dayOf } from "./listing.js";
import { nativeNote } from "./native.js";

/** What a row can do. @typedef {{
 *   switchOn: (name: string, wanted: boolean) => Promise<void>, check: (name: string) => Promise<void>,
 *   update: (name: string) => Promise<void>, choose: (name: string) => void, rollBack: (name: string) => Promise<void>,
 *   look: (name: string) => Promise<void>, remove: (name: string) => Promise<void>, move: (name: string, by: number) => Promise<void>,
 * }} RowActions */

/** @type {Record<string, [words: string, look: string]>} */
const STATES = {
  on: ["on", "good"],
  failed: ["failed", "bad"],
  "switched off": ["off", ""],
  "not loaded": ["not loaded", ""],
  new: ["from the next start", "news"],
};

/** @param {ShippedExtension & {distrust?: string}} one */
export function stateChip(one) {
  const [words, look] = one.distrust ? ["changed on disk", "bad"] : (STATES[one.state] ?? [one.state, ""]);
  const later = one.wanted && one.state === "switched off" ? "on from the next start" : !one.wanted && one.state !== "switched off" ? "off from the next start" : "";
  return make("span", { className: `community-chip ${later ? "news" : look}`, textContent: later || words });
}

/** @param {ShippedExtension} one @param {(name: string, wanted: boolean) => Promise<void>} switchOn */
export function tick(one, switchOn) {
  const input = make("input", { type: "checkbox", id: `community_${one.name}`, checked: one.wanted, title: "Load it at the next start" });
  input.onchange = () => void switchOn(one.name, input.checked);
  return make("div", { className: "community-tick" }, input, make("label", { htmlFor: input.id, textContent: one.name }));
}

/** @param {CommunityExtension} one */
function factsLine(one) {
  const facts = [one.kind === "plugin" ? "for this program" : "for A1111", one.branch, one.commit.slice(0, 8), dayOf(one.committed), one.is_pinned ? "pinned" : "", one.url ? "" : "put here by hand"];
  const line = make("span", { className: "hint", textContent: facts.filter(Boolean).join(" · ") });
  if (/^https:/.test(one.url)) line.append(" · ", make("a", { href: one.url, target: "_blank", rel: "noopener noreferrer", textContent: "its page" }));
  return line;
}

/** @param {CommunityExtension} one @param {RowActions} actions */
function problem(one, actions) {
  const words = one.distrust || one.error;
  if (!words) return [];
  const buttons = one.distrust ? [
    button("See what it does", () => actions.look(one.name)),
    ...(one.previous_commit === null ? [] : [button("Roll back", () => actions.rollBack(one.name))]),
  ] : [];
  return [make("div", { className: "notice-box error community-problem" }, make("p", { textContent: words }), ...buttons)];
}

/**
 * @param {CommunityExtension} one
 * @param {{newer: string | undefined, mayChange: boolean}} known
 * @param {RowActions} actions
 */
export function extensionRow(one, { newer, mayChange }, actions) {
  const { name } = one;
  const entries = () => [
    ...(one.can_update ? [
      { words: "Check for an update", action: () => actions.check(name) },
      { words: "Update to the newest", action: () => actions.update(name) },
      { words: "Another branch or commit …", action: () => actions.choose(name) },
    ] : []),
    ...(one.previous_commit === null ? [] : [{
      words: "Roll back", hint: one.previous_commit ? `to ${one.previous_commit.slice(0, 8)}` : "to what was here before", action: () => actions.rollBack(name),
    }]),
    { words: "What its code does", action: () => actions.look(name) },
    { words: "Load earlier", action: () => actions.move(name, -1) },
    { words: "Load later", action: () => actions.move(name, 1) },
    { words: "Remove", hint: "to the trash", action: () => actions.remove(name) },
  ];
  const menu = menuButton("…", `What to do with ${name}`, entries);
  menu.querySelector("button")?.setAttribute("aria-label", `What to do with ${name}`);
  const update = newer ? [button(`Update to ${newer.slice(0, 8)}`, () => actions.update(name), { className: "primary" })] : [];
  const health = healthView(one.health);
  return make("li", { className: "community-row", attributes: { "data-name": name } },
    make("div", { className: "community-row-head" },
      tick(one, actions.switchOn), stateChip(one), make("span", { className: "gap" }), ...update, ...(mayChange ? [menu] : [])),
    factsLine(one),
    ...problem(one, actions),
    ...(one.native ? [nativeNote(one.native)] : []),
    ...(health ? [health] : []));
}
