"""Each name of A1111's page, in the real page: it is there, and does what its name says."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui import browser as steps

HERE = Path(__file__).parent
LEAST_NAMES = 94
RUN = """async ([tools, text]) => {
  new Function(`${tools}; window.checkTools = checkTools;`)();
  const names = Object.keys(checkTools);
  const checks = new Function(...names, `return ${text}`)(...Object.values(checkTools));
  const found = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      const kind = new Function(`return typeof ${name}`)();
      const seen = kind === "undefined" ? "it is not there" : await check();
      if (seen !== true) found[name] = JSON.stringify(seen) ?? String(seen);
    } catch (error) {
      found[name] = String(error);
    }
  }
  return [Object.keys(checks), found];
}"""


def test_every_global_does_what_its_name_says(page: Page, picture: Path):
    page.set_input_files("#img2img_image input[type=file]", picture)
    expect(page.locator(".canvas[data-name=img2img_image]")).to_have_attribute("data-size", "48x32")
    steps.fill_form(page, "a fox", steps=1)
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery .thumbnail-small")).to_be_attached()
    texts = [(HERE / name).read_text(encoding="utf-8") for name in ("check_tools.js", "global_checks.js")]
    # As comments stand before the object.
    tools, checks = texts[0], texts[1][texts[1].index("({") :]
    names, failed = page.evaluate(RUN, [tools, checks])
    assert len(names) >= LEAST_NAMES
    assert failed == {}
