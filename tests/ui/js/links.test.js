// Which texts are links to models.
import { expect, test } from "vitest";
import { isLink, linksIn } from "../../../webui/ui/assets/js/drop/links.js";

test.each([
  "https://civitai.com/models/20",
  "https://www.civitai.red/models/20?modelVersionId=3",
  "https://huggingface.co/owner/name/resolve/main/a.safetensors",
  "https://hf.co/owner/name",
  "urn:air:sd1:lora:civitai:20@3",
  "civitai:20@3",
  "https://example.org/files/a.safetensors?download=true",
  "  https://civitai.com/models/20\n",
])("%s is one", (text) => expect(isLink(text)).toBe(true));

test.each([
  "http://civitai.com/models/20",
  "https://civitai.com.example.org/models/20",
  "https://example.org/?civitai.com/",
  "https://example.org/page.html",
  "see https://civitai.com/models/20",
  "file:///etc/passwd.safetensors",
  "javascript:alert(1)//a.safetensors",
  "",
])("%j is none", (text) => expect(isLink(text)).toBe(false));

test("a list of links is taken apart, each once", () => {
  const text = "https://civitai.com/models/1\r\nand https://civitai.com/models/2 https://civitai.com/models/1";
  expect(linksIn(text)).toEqual(["https://civitai.com/models/1", "https://civitai.com/models/2"]);
});
