import { describe, expect, it } from "vitest";

import { Store } from "../../../webui/ui/assets/js/parts/store.js";

/** A store, and what it wrote. */
function make() {
  /** @type {string[]} */
  const written = [];
  return { store: new Store({ one: { width: 1 } }, (text) => written.push(text)), written };
}

describe("Store", () => {
  it("keeps what was chosen last when the field tells late of what was chosen before", () => {
    const { store, written } = make();
    store.set("one", { width: 2 });
    store.choose("X/Y/Z plot");
    expect(store.show(written[0])).toBe(false);
    expect(store.chosen.script).toBe("X/Y/Z plot");
    expect(store.show(written[1])).toBe(false);
    expect(written).toHaveLength(2);
  });

  it("keeps what was chosen while the field tells of what it showed when the page opened", () => {
    const { store, written } = make();
    store.choose("X/Y/Z plot");
    for (let time = 0; time < 2; time++) expect(store.show("")).toBe(false);
    expect(store.chosen.script).toBe("X/Y/Z plot");
    expect(store.show(written[0])).toBe(false);
    expect(store.show("")).toBe(true);
    expect(store.chosen.script).toBe("");
  });

  it("waits for nothing more once the field tells of the last text, whatever it left out", () => {
    const { store, written } = make();
    store.set("one", { width: 2 });
    store.choose("X/Y/Z plot");
    store.choose("");
    store.show(written[2]);
    expect(store.show(written[1])).toBe(true);
    expect(store.chosen.script).toBe("X/Y/Z plot");
  });

  it("shows an earlier text again when it comes from elsewhere", () => {
    const { store, written } = make();
    store.set("one", { width: 2 });
    store.choose("X/Y/Z plot");
    store.show(written[1]);
    expect(store.show(written[0])).toBe(true);
    expect(store.chosen).toEqual({ script: "", parts: { one: { width: 2 } } });
  });
});
