"""Axe over states of the page: dark and light, wide and narrow."""

from playwright.sync_api import Page

from tests.ui import browser as steps

# Dark or not, and a width in pixels.
Look = tuple[bool, int]
LOOKS: tuple[Look, ...] = ((True, 1440), (False, 1440), (True, 390), (False, 390))
# Each run of axe takes a second: what stands on a ground that was checked in all looks has two of them.
TWO = (LOOKS[0], LOOKS[3])
# One rule more than axe's own choice: Lighthouse counts it. And one less, which wants a whole document.
CHECK = """async (selector) => {
  // What Svelte lets fly in begins with the next frame.
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (const each of document.getAnimations()) if (each.effect.getTiming().iterations < 100) each.finish();
  const rules = { 'label-content-name-mismatch': { enabled: true }, region: { enabled: false } };
  const { violations } = await axe.run(selector ?? document, { rules, resultTypes: ['violations'] });
  const worst = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  return worst.flatMap(({ id, nodes }) => nodes.map((it) => `${id}: ${it.target}: ${it.failureSummary}`));
}"""


def set_look(page: Page, dark: bool, width: int) -> None:
    """Gradio's dark side is a class."""
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
    page.set_viewport_size({"width": width, "height": 900})


class Auditor:
    """Collects what axe finds in the states of a page, in all its looks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        page.evaluate(f"{steps.read_axe()}; 0")
        page.add_style_tag(content=steps.STILL)

    def look(self, state: str, part: str | None = None, looks: tuple[Look, ...] = TWO) -> None:
        """Check the page, or a part of it, as it is now."""
        for dark, width in looks:
            set_look(self.page, dark, width)
            where = f"{state}, {'dark' if dark else 'light'}, {width} px: "
            self.found += [where + text for text in self.page.evaluate(CHECK, part)]
        set_look(self.page, dark=True, width=1440)
