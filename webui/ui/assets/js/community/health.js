// How an extension does: seconds, failures with their traces, names it wanted in vain, memory.
import { make } from "../controls.js";
import { sizeText } from "../dialogs.js";
import { counted } from "./consent.js";

/** @param {number} seconds */
function secondsText(seconds) {
  return seconds >= 10 ? `${seconds.toFixed(0)} s` : `${seconds.toFixed(2)} s`;
}

/** @param {HealthReport["failures"][number]} failure */
function failureView({ where, error, trace }) {
  return make("details", { className: "community-failure" },
    make("summary", {}, make("strong", { textContent: where }), ` ${error}`), make("pre", { textContent: trace, tabIndex: 0 }));
}

/** @param {string} words @param {string[]} names */
function nameList(words, names) {
  return names.length ? [make("p", {}, `${words}: `, make("code", { textContent: names.join(", ") }))] : [];
}

/** One line that says the most important. @param {HealthReport | null} health */
export function healthLine(health) {
  if (!health) return "";
  const total = Object.values(health.seconds).reduce((sum, each) => sum + each, 0);
  return [
    total ? secondsText(total) : "",
    health.size_bytes ? sizeText(health.size_bytes) : "",
    health.failures.length ? counted(health.failures.length, "failure") : "",
    health.missing.length ? `${counted(health.missing.length, "name")} missing` : "",
  ].filter(Boolean).join(" · ");
}

/**
 * All that is known; null where that is nothing.
 * @param {HealthReport | null} health
 */
export function healthView(health) {
  if (!health) return null;
  const steps = Object.entries(health.seconds).sort(([, a], [, b]) => b - a);
  const inside = [
    ...health.failures.map(failureView),
    ...nameList("Names of A1111's that it wanted and that are not here", health.missing),
    ...nameList("Arguments that were left out", health.dropped),
    ...(steps.length ? [make("table", {},
      make("thead", {}, make("tr", {}, ...["Step", "Seconds", "Calls"].map((words) => make("th", { textContent: words, scope: "col" })))),
      make("tbody", {}, ...steps.map(([where, seconds]) => make("tr", {},
        make("td", { textContent: where }), make("td", { textContent: seconds.toFixed(3) }),
        make("td", { textContent: String(health.runs[where] ?? 1) })))))] : []),
  ];
  if (!inside.length) return null;
  return make("details", { className: "community-health", open: health.failures.length > 0 },
    make("summary", {}, "Health", make("span", { className: "hint", textContent: ` ${healthLine(health)}` })), ...inside);
}
