// What an extension's code does, shown for consent.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { dayOf } from "./listing.js";
import { nativeButton } from "./native.js";

/** @param {number} count @param {string} word */
export function counted(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** @param {CodeReport["found"][number]} kind @param {number} before how many there were in what it replaces, -1 for nothing */
function kindFold(kind, before) {
  const more = before >= 0 && kind.count > before ? make("span", { className: "community-chip more", textContent: before ? `${before} before` : "new" }) : null;
  return make("details", { className: kind.is_serious ? "community-kind serious" : "community-kind" },
    make("summary", {}, make("span", { className: "community-kind-text", textContent: kind.sentence }),
      make("span", { className: "hint", textContent: counted(kind.count, "place") }), ...(more ? [more] : [])),
    make("ul", { className: "community-places" }, ...kind.places.map(({ file, line, what }) => make("li", {},
      make("code", { textContent: what || "…" }), make("span", { className: "hint", textContent: `${file}${line ? `, line ${line}` : ""}` }))),
    ...(kind.count > kind.places.length ? [make("li", { className: "hint", textContent: `and ${kind.count - kind.places.length} more` })] : [])));
}

/** @param {CodeReport["packages"]} packages */
function packageList(packages) {
  return make("details", { className: "community-kind", open: packages.length < 9 },
    make("summary", {}, make("span", { className: "community-kind-text", textContent: "Installs packages of Python." }),
      make("span", { className: "hint", textContent: counted(packages.length, "package") })),
    make("ul", { className: "community-places" }, ...packages.map(({ wanted, file, remark }) => make("li", {},
      make("code", { textContent: wanted }), make("span", { className: "hint", textContent: [file, remark].filter(Boolean).join(": ") })))));
}

/**
 * A report as a piece of page.
 * @param {CodeReport} report
 * @param {Record<string, number> | null} before what was accepted already
 */
export function reportView(report, before = null) {
  const files = `${counted(report.python_files, "Python file")}, ${counted(report.script_files, "file")} for the page, ${counted(report.other_files, "other")}.`;
  const nothing = !report.found.length && !report.packages.length;
  return make("div", { className: "community-report" },
    ...(nothing ? [make("p", { textContent: "Nothing was found that talks to others, starts programs, deletes, or runs hidden code." })] : []),
    ...report.found.map((kind) => kindFold(kind, before ? (before[kind.kind] ?? 0) : -1)),
    ...(report.packages.length ? [packageList(report.packages)] : []),
    ...(report.hosts.length ? [make("p", { className: "hint" }, `Addresses in it: ${report.hosts.slice(0, 12).join(", ")}${report.hosts.length > 12 ? " …" : ""}`)] : []),
    make("p", { className: "hint", textContent: `Read: ${files}${report.is_whole ? "" : " Not all of it could be read in time."} A reader of source finds what is written plainly, not everything.` }));
}

/** @param {InstallRecord} record */
function facts({ url, branch, commit, committed, subject }) {
  const state = [branch, commit.slice(0, 8), dayOf(committed)].filter(Boolean).join(" · ");
  return make("div", { className: "community-facts" },
    make("code", { textContent: url }), make("span", { className: "hint", textContent: `${state}${subject ? `: ${subject}` : ""}` }));
}

/**
 * Asks for consent; resolves with whether it was given.
 * @param {StagedExtension} staged
 * @returns {Promise<boolean>}
 */
export function askConsent({ record, report, replaces, was, native }) {
  return new Promise((resolve) => {
    let answer = false;
    const words = replaces ? "Update" : "Install";
    const yes = button(words, () => {
      answer = true;
      dialog.close();
    }, { className: "primary" });
    const dialog = openDialog(`${words} ${record.name}?`, {},
      facts(record),
      make("p", { className: "community-warning", textContent: "It will run with all rights of this program. This is what its code does, read from the source:" }),
      reportView(report, was?.kinds ?? null),
      ...(native ? [make("p", { className: "details-reason", textContent: native.sentence })] : []),
      dialogButtons(null, button("Cancel", () => dialog.close()), yes));
    dialog.classList.add("community-dialog");
    dialog.addEventListener("close", () => resolve(answer));
  });
}

/**
 * Says that a feature is here already; resolves with whether to install the extension nevertheless.
 * @param {string} name
 * @param {NativeFeature} feature
 * @returns {Promise<boolean>}
 */
export function askDespiteNative(name, feature) {
  return new Promise((resolve) => {
    let answer = false;
    const close = () => dialog.close();
    const opener = nativeButton(feature, close);
    opener?.classList.add("primary");
    const anyway = button("Install it anyway", () => {
      answer = true;
      close();
    });
    const heading = feature.opens ? `${name}: this is here already` : `${name} cannot work here`;
    const dialog = openDialog(heading, { narrow: true },
      make("p", { textContent: feature.sentence }), dialogButtons(anyway, null, button("Cancel", close), opener));
    dialog.classList.add("community-dialog");
    dialog.addEventListener("close", () => resolve(answer));
  });
}

/**
 * Shows the code of what is installed, with a button to accept it where it is not trusted.
 * @param {string} name
 * @param {CodeReport} report
 * @param {(() => Promise<void>) | null} accept
 */
export function showCode(name, report, accept) {
  const buttons = accept ? [button("Close", () => dialog.close()), button("Accept it as it is", () => {
    dialog.close();
    void accept();
  }, { className: "primary" })] : [button("Close", () => dialog.close())];
  const dialog = openDialog(`What ${name} does`, {},
    ...(accept ? [make("p", { className: "community-warning", textContent: "Its code is not what was accepted. Accept it only if you know who changed it." })] : []),
    reportView(report), dialogButtons(null, ...buttons));
  dialog.classList.add("community-dialog");
}
