// A job that the server did not live to finish.
import { expect, test } from "vitest";
import { tabCutShort } from "../../../webui/ui/assets/js/cut_short.js";

test("only a job of an earlier start of the server was cut short", () => {
  const kept = JSON.stringify({ tab: "img2img", server: "one" });
  expect(tabCutShort(kept, "two")).toBe("img2img");
  expect(tabCutShort(kept, "one")).toBeNull();
  expect(tabCutShort(null, "two")).toBeNull();
});
