// What eslint asks of the page's scripts and of their tests, with the types that tsc knows.
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";
import typescript from "typescript-eslint";

// In one global scope with extensions' own, by A1111's names.
const CLASSIC = "webui/compat/a1111/javascript/scripts/*.js";
const SCRIPTS = [CLASSIC, "webui/ui/assets/js/**/*.js", "extensions/*/javascript/**/*.js", "tests/ui/js/**/*.js"];

export default defineConfig(
  js.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "no-implicit-globals": ["error", { lexicalBindings: true }],
      "no-unused-vars": ["error", { caughtErrors: "all" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: SCRIPTS,
    plugins: { "@typescript-eslint": typescript.plugin },
    languageOptions: {
      parser: typescript.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
      globals: globals.browser,
    },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      // Handlers of events may be async: what goes wrong in them is told there.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "no-restricted-globals": ["error", { name: "setInterval", message: "Wait for the fact itself: an event, a promise." }],
      "no-restricted-syntax": [
        "error",
        { selector: "ImportExpression", message: "An import in a function hides a circle: import at the top." },
      ],
    },
  },
  // Tabs whose scripts run when they are first shown.
  { files: ["webui/ui/assets/js/{training,community}.js"], rules: { "no-restricted-syntax": "off" } },
  {
    files: [CLASSIC],
    languageOptions: { sourceType: "script" },
    rules: {
      "no-implicit-globals": "off",
      "no-redeclare": "off",
      // Each file uses what the others declare; tsc knows what there is.
      "no-undef": "off",
      "no-unused-vars": ["error", { vars: "local", caughtErrors: "all" }],
      "no-var": "off",
    },
  },
  { files: ["*.config.js"], languageOptions: { globals: globals.node } },
);
