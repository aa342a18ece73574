// Our own server, as the page's scripts ask it.
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { address, ask, askForLines, isUnreachable, messageOf } from "../../../webui/ui/assets/js/server.js";

afterEach(() => {
  vi.unstubAllGlobals();
  delete window.gradio_config;
});

/**
 * The next answer of the server: bytes, in the pieces that a connection brings.
 * @param {Uint8Array[]} pieces
 * @param {number} status
 */
function answerWith(pieces, status = 200) {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  vi.stubGlobal("fetch", async () => new globalThis.Response(/** @type {BodyInit} */ (body), { status }));
}

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

test("an address lies below the path at which a proxy offers the page", () => {
  window.gradio_config = { root: "https://host.example/atelier" };
  expect(address("v1/cards").href).toBe("https://host.example/atelier/v1/cards");
  window.gradio_config = { root: "https://host.example/atelier/" };
  expect(address("v1/cards?kind=lora").href).toBe("https://host.example/atelier/v1/cards?kind=lora");
});

test("lines come as they were sent, wherever the connection cut them", async () => {
  const line = fc.record({ name: fc.string({ unit: "grapheme" }), share: fc.double({ min: 0, max: 1, noNaN: true }) });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const sent = bytes(lines.map((each) => `${JSON.stringify(each)}\n`).join(""));
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, at) => sent.slice(at * size, (at + 1) * size));
      answerWith(pieces);
      const came = [];
      for await (const each of askForLines("v1/lines", {}, new AbortController().signal)) came.push(each);
      expect(came).toEqual(JSON.parse(JSON.stringify(lines)));
    }),
    { numRuns: 40 },
  );
});

test("a refusal is the server's sentence, with what else it says", async () => {
  answerWith([bytes(JSON.stringify({ detail: "The disk is full.", offset: 7 }))], 409);
  const error = await ask("PUT", "v1/uploads/a").catch((refusal) => refusal);
  expect([messageOf(error), error.status, error.body.offset]).toEqual(["The disk is full.", 409, 7]);
  expect(isUnreachable(error)).toBe(false);
});

test("an answer that is none of ours is told by its status", async () => {
  answerWith([bytes("<html>Bad gateway</html>")], 502);
  const error = await ask("GET", "v1/cards").catch((refusal) => refusal);
  expect(messageOf(error)).toBe("The server answered 502. Its log tells more.");
  expect(isUnreachable(error)).toBe(true);
});

test("without a connection a sentence says what to do", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });
  const error = await ask("GET", "v1/cards").catch((refusal) => refusal);
  expect(messageOf(error)).toBe("The server cannot be reached. See whether it still runs, then try again.");
  expect(isUnreachable(error)).toBe(true);
});

test("who gave up is not told that the server is away", async () => {
  const stop = new AbortController();
  vi.stubGlobal("fetch", async () => {
    throw new DOMException("stopped", "AbortError");
  });
  const error = await ask("GET", "v1/cards", undefined, stop.signal).catch((refusal) => refusal);
  expect(error.name).toBe("AbortError");
  expect(isUnreachable(error)).toBe(false);
});
