// What was deleted: restored, or deleted for good.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog, sizeText, twiceButton } from "../dialogs.js";
import { ask, messageOf } from "../server.js";

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * Asks what is in the trash, and tells all pages of cards how much; nothing where the server is away.
 * @returns {Promise<Trashed[]>}
 */
export async function readTrash() {
  const list = await ask("GET", "v1/trash").catch(() => []);
  dispatchEvent(new CustomEvent("trash", { detail: list.length }));
  return list;
}

/**
 * Puts a deleted file back; resolves with its card, null for a preview.
 * @param {string} id
 * @returns {Promise<Card | null>}
 */
export async function restore(id) {
  const card = await ask("POST", `v1/trash/${id}/restore`);
  await readTrash();
  return card;
}

/**
 * Opens the list; `restored()` is called when a file came back.
 * @param {() => void} restored
 */
export async function openTrash(restored) {
  const list = make("ul", { className: "trash-list" });
  const message = make("p", { className: "hint", textContent: "Reading …", attributes: { role: "status" } });
  const empty = button("Empty the trash", askToEmpty, { className: "danger" });
  // Until it is known what would be deleted.
  empty.hidden = true;
  let entries = /** @type {Trashed[]} */ ([]);
  const dialog = openDialog("Trash", {}, message, list);
  dialog.append(dialogButtons(empty, null, button("Close", () => dialog.close())));
  await read();

  async function read() {
    entries = await readTrash();
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    list.replaceChildren(...entries.map(row));
    empty.hidden = !entries.length;
    message.textContent = entries.length
      ? `${sizeText(bytes)} in all. These files stay on the disk until they are deleted for good.`
      : "Nothing here. What you move to the trash can be restored from this list.";
  }

  /** @param {() => Promise<unknown>} action */
  async function attempt(action) {
    try {
      await action();
      await read();
      return true;
    } catch (error) {
      message.textContent = messageOf(error);
      return false;
    }
  }

  /** @param {Trashed} entry */
  function row({ id, name, label, size, deleted }) {
    return make(
      "li",
      {},
      make(
        "div",
        { className: "trash-text" },
        make("strong", { textContent: name }),
        make("span", {
          className: "hint",
          textContent: [label, sizeText(size), `deleted ${WHEN.format(deleted * 1000)}`].join(" · "),
        }),
      ),
      make(
        "div",
        { className: "trash-buttons" },
        button("Restore", async () => (await attempt(() => restore(id))) && restored()),
        twiceButton(
          "Delete for good",
          "Really delete?",
          () => attempt(() => ask("DELETE", `v1/trash/${id}`)),
          { className: "danger" },
        ),
      ),
    );
  }

  function askToEmpty() {
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    const files = `${entries.length} ${entries.length === 1 ? "file" : "files"}`;
    const asking = openDialog(
      "Empty the trash?",
      { narrow: true },
      make("p", { textContent: `${files} will be deleted for good, which frees ${sizeText(bytes)}.` }),
    );
    const keep = button("Keep them", () => asking.close());
    const go = button("Empty the trash", async () => {
      asking.close();
      await attempt(() => ask("DELETE", "v1/trash"));
    }, { className: "danger" });
    asking.append(dialogButtons(go, null, keep));
    keep.focus();
  }
}
