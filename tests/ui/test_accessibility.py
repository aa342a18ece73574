"""What axe finds on every tab, opened fold and dialog of the page: dark and light, wide and narrow."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui import browser as steps
from tests.ui.auditor import LOOKS, TWO, Auditor

pytestmark = pytest.mark.timeout(600)


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
    for tab in ("txt2img", "img2img"):
        show(page, tab)
        open_parts(page, tab)
        auditor.look(f"extensions in {tab}", f"#{tab}_parts")


def open_parts(page: Page, tab: str) -> None:
    """Open all extensions' parts of a tab, with what they draw themselves, and X/Y/Z plot."""
    page.wait_for_selector("html[data-parts=ready]")
    # The last one first: what is open is none of them any more.
    for toggle in reversed(page.locator(f"#{tab}_parts .part-toggle[aria-expanded=false]").all()):
        toggle.click()
    page.locator(f"#{tab}_part_regional_prompts").get_by_label("Divide mode").select_option(label="Mask")
    page.select_option(f"#{tab}_script_list", label="X/Y/Z plot")
    expect(page.locator(f"#{tab}_controlnet").get_by_role("radio", name="Canny")).to_be_visible()
    expect(page.locator(f"#{tab}_part_regional_prompts canvas")).to_be_visible()
    expect(page.locator(f"#{tab}_scripts").get_by_label("X values")).to_be_visible()


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


def test_axe_finds_nothing_serious_in_dialogs_over_the_form(auditor):
    page = auditor.page
    steps.set_number(page, "txt2img_steps", 13)
    page.click("#keep_defaults")
    expect(page.locator("#kept_defaults")).to_contain_text("13 steps")
    auditor.look("kept defaults", "#kept_defaults")
    page.fill("#txt2img_prompt textarea", "a heron")
    page.click("#txt2img_styles_edit_button")
    page.locator("dialog .styles-list").get_by_text("ink").click()
    check_dialog(auditor, "Styles")
    page.click("#txt2img_presets")
    page.get_by_label("Name of the new preset").fill("Heron")
    page.get_by_role("button", name="Save current as").click()
    expect(page.locator("dialog .presets-list li")).to_have_count(1)
    page.get_by_title("More for Heron").click()
    auditor.look("a preset's menu", "dialog[open]")
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.locator("dialog .presets-message")).to_contain_text("was deleted")
    check_dialog(auditor, "Presets")
    page.click("#txt2img_clear_prompt")
    expect(page.locator("#txt2img_put_back")).to_be_visible()
    auditor.look("an offer to put back", "#txt2img_toprow", LOOKS)
    show(page, "settings")
    steps.set_number(page, "setting_jpeg_quality", 90)
    expect(page.locator("#settings_unapplied")).to_have_text("1 change not applied")
    auditor.look("a changed setting", "#tab_settings")
    show(page, "txt2img")
    auditor.look("leaving settings", "dialog[open]")
    page.locator("dialog[open]").get_by_text("Discard").click()
    expect(page.locator("#tab_txt2img")).to_be_visible()


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
