"""What axe finds on every tab, opened fold and dialog of the page: dark and light, wide and narrow."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui import browser as steps

pytestmark = pytest.mark.timeout(600)
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


@pytest.fixture(scope="module")
def home(tmp_path_factory, golden_networks):
    """A LoRA whose file tells of itself, another, and a style."""
    home = tmp_path_factory.mktemp("axe")
    loras = home / "models" / "Lora"
    (loras / "styles").mkdir(parents=True)
    for source, target in (("lora-noalpha", "styles/ink"), ("locon", "second")):
        shutil.copy(golden_networks / "Lora" / f"{source}.safetensors", loras / f"{target}.safetensors")
    add_metadata(loras / "second.safetensors", {f"ss_entry_{at}": "words " * 9 for at in range(40)})
    (home / "styles.csv").write_text(
        "name,prompt,negative_prompt\nink,ink drawing,blurry\n", encoding="utf-8"
    )
    return home


def add_metadata(path: Path, entries: dict[str, str]) -> None:
    """Write entries into the head of a safetensors file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    head = json.dumps(json.loads(data[8 : 8 + size]) | {"__metadata__": entries}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + data[8 + size :])


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


@pytest.fixture
def auditor(fresh_page):
    auditor = Auditor(fresh_page)
    yield auditor
    assert not auditor.found, "\n".join(auditor.found)


def show(page: Page, name: str) -> None:
    page.evaluate("name => webui.showTab(name)", name)


def test_axe_finds_nothing_serious_on_any_tab(auditor):
    page = auditor.page
    auditor.look("the whole page", looks=LOOKS)
    for name in ("img2img", "extras"):
        show(page, name)
        auditor.look(name, f"#tab_{name}")
        for button in page.locator(f"#mode_{name} > .tab-nav > button").all()[1:]:
            button.click()
            auditor.look(f"{name}, {button.inner_text()}", f"#mode_{name}", LOOKS[:1])
    for name, looks in (("pnginfo", TWO), ("settings", LOOKS)):
        show(page, name)
        auditor.look(name, f"#tab_{name}", looks)
    page.fill("#settings_search", "nothing like it")
    auditor.look("a search for settings", "#tab_settings", LOOKS[:1])


def test_axe_finds_nothing_serious_in_folds_lists_notices_and_results(auditor):
    page = auditor.page
    tick_all(page, "#tab_txt2img .accordion-tick input, #txt2img_subseed_show input")
    for fold in page.locator("#tab_txt2img .label-wrap:not(.open):visible").all():
        fold.click()
    auditor.look("all folds", "#tab_txt2img")
    page.locator("#txt2img_sampling input").focus()
    expect(page.locator("[role=listbox]")).to_be_visible()
    auditor.look("a list", "#txt2img_sampling")
    page.keyboard.press("Escape")
    tick_all(page, "#tab_txt2img .accordion-tick input", ticked=False)
    steps.fill_form(page, "a <lora:nosuch:1> (fox", steps=2)
    page.click("#txt2img_generate")
    expect(page.locator("#tab_txt2img .notice-box:visible").first).to_be_visible()
    expect(page.locator("#tab_txt2img .token-counter .error:visible")).to_be_visible()
    auditor.look("a notice and a red counter", "#tab_txt2img")
    page.fill("#txt2img_seed input", "1")
    page.click("#txt2img_generate")
    large = page.locator("#txt2img_gallery .preview .media-button").first
    expect(large).to_be_visible()
    steps.wait_until_idle(page)
    auditor.look("a picture", "#txt2img_results")
    large.click()
    auditor.look("the lightbox", "#lightboxModal")
    page.keyboard.press("Escape")


def tick_all(page: Page, selector: str, ticked: bool = True) -> None:
    for box in page.locator(selector).all():
        box.set_checked(ticked)


def test_axe_finds_nothing_serious_on_cards_and_in_dialogs(auditor, tmp_path):
    page = auditor.page
    page.click("#txt2img_extra_tabs button[data-page=lora]")
    card = page.locator("#txt2img_lora_cards .card[data-name=second]")
    card.locator(".card-use").click()
    auditor.look("cards", "#txt2img_lora", LOOKS)
    card.hover()
    card.locator(".icon-edit").click()
    page.locator("dialog summary").click()
    auditor.look("details", "dialog[open]")
    page.keyboard.press("Escape")
    for words, opener in dialogs(page).items():
        opener()
        check_dialog(auditor, words)
    page.click("#txt2img_lora .opens-menu")
    auditor.look("a menu", "#txt2img_lora .menu")
    page.keyboard.press("Escape")
    (tmp_path / "model.safetensors").write_text("<!DOCTYPE html>", encoding="utf-8")
    steps.drop(page, tmp_path / "model.safetensors")
    expect(page.locator("#arrivals li.failed")).to_be_visible()
    auditor.look("arrivals", "#arrivals")


def dialogs(page: Page) -> dict[str, Callable[[], None]]:
    """How each of the dialogs over the cards is opened."""

    def press(words: str) -> Callable[[], None]:
        return lambda: page.locator("#txt2img_lora .cards-toolbar > button", has_text=words).click()

    def choose(words: str) -> Callable[[], None]:
        def open_it() -> None:
            page.click("#txt2img_lora .opens-menu")
            page.locator("#txt2img_lora [role=menuitem]", has_text=words).click()

        return open_it

    return {words: press(words) for words in ("Trash", "Add")} | {
        words: choose(words) for words in ("Search", "Keys")
    }


def check_dialog(auditor: Auditor, state: str) -> None:
    """Check a dialog that is open, and close it."""
    dialog: Locator = auditor.page.locator("dialog[open]")
    expect(dialog).to_have_count(1)
    auditor.look(f"dialog {state}", "dialog[open]")
    auditor.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
