// The tests of the page's scripts: in a page without a browser, with canvases that really draw.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A busy machine may be slow.
    testTimeout: 60_000,
    include: ["tests/ui/js/**/*.test.js"],
    environment: "happy-dom",
    setupFiles: ["tests/ui/js/setup.js"],
    // A page for each file would take longer than all tests; each file lays out its own.
    pool: "threads",
    isolate: false,
    // What nobody looks at in a log.
    reporters: [["default", { summary: false }]],
  },
});
