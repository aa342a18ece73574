"""The page without a mouse: lists, tabs, cards, dialogs, the lightbox, and a whole way through them."""

import re
import shutil

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui import browser as steps

pytestmark = pytest.mark.timeout(400)
OPEN = "[role=listbox]"
ENTRIES = f"{OPEN} [role=option]"
# The element with the focus, by the nearest id.
FOCUSED_ID = "document.activeElement.closest('[id]').id"
# What tells of the focus: a ring of two pixels around the element or around one that holds it; how much its
# colour stands out from the ground outside of it (contrast as WCAG 2.2 computes it). Null without the focus.
RING = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((part) => part / 255).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const { backgroundColor } = getComputedStyle(element);
      if ((numbers(backgroundColor)[3] ?? 1) > 0.9) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const contrast = () => {
    for (let at = document.activeElement, up = 0; at && up < 4; at = at.parentElement, up++) {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(at);
      if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) continue;
      const [low, high] = [light(outlineColor), light(ground(at.parentElement))].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    }
    return 0;
  };
  if (document.activeElement === document.body) return null;
  return [contrast(), document.activeElement.outerHTML.slice(0, 200)];
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory, golden_networks):
    """Some LoRAs and two styles."""
    home = tmp_path_factory.mktemp("keyboard")
    loras = home / "models" / "Lora"
    loras.mkdir(parents=True)
    for name in ("anna", "ben", "cleo", "dora", "emil", "fay"):
        shutil.copy(golden_networks / "Lora" / "locon.safetensors", loras / f"{name}.safetensors")
    rows = "name,prompt,negative_prompt\nink,ink drawing,blurry\noil,oil painting,\n"
    (home / "styles.csv").write_text(rows, encoding="utf-8")
    return home


def field(page: Page, elem_id: str) -> Locator:
    return page.locator(f"#{elem_id} input[role=combobox]")


def tab_until(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until the focus is at, or in, an element."""
    for _ in range(80):
        if page.evaluate("selector => Boolean(document.activeElement?.closest(selector))", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {selector}; it ended at {page.evaluate(FOCUSED_ID)}.")


def test_lists_close_when_the_focus_goes_and_it_goes_to_the_next_field(fresh_page):
    page = fresh_page
    for elem_id, following in (
        ("txt2img_sampling", "txt2img_scheduler"),
        ("txt2img_styles", "txt2img_style_apply"),
        ("txt2img_scheduler", "txt2img_steps"),
    ):
        field(page, elem_id).focus()
        expect(page.locator(OPEN)).to_have_count(1)
        page.keyboard.press("Tab")
        assert page.evaluate(f"Boolean(document.activeElement.closest('#{following}'))")
        expect(page.locator(f"#{elem_id} {OPEN}")).to_have_count(0)
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUSED_ID) == elem_id
        expect(page.locator(OPEN)).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator(OPEN)).to_have_count(0)
        assert page.evaluate(FOCUSED_ID) == elem_id
    # What is typed and left within the same moment closes too, and changes nothing.
    before = field(page, "txt2img_sampling").input_value()
    field(page, "txt2img_sampling").focus()
    page.keyboard.type("Heun")
    page.keyboard.press("Tab")
    expect(page.locator(f"#txt2img_sampling {OPEN}")).to_have_count(0)
    expect(field(page, "txt2img_sampling")).to_have_value(before)
    expect(page.locator(OPEN)).to_have_count(1)


def test_lists_show_all_entries_until_something_is_typed(fresh_page):
    page = fresh_page
    sampling = field(page, "txt2img_sampling")
    sampling.focus()
    expect(page.locator(ENTRIES).nth(10)).to_be_attached()
    everything = page.locator(ENTRIES).count()
    for key in ("Shift", "Home", "End", "ArrowLeft", "Control+a", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    # Gradio filters a moment after the key.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))")
    assert page.locator(ENTRIES).count() == everything
    page.keyboard.press("Control+a")
    page.keyboard.type("heun")
    expect(page.locator(ENTRIES).filter(visible=True)).not_to_have_count(everything)
    expect(page.locator(f"{OPEN} .active")).to_have_text(re.compile("Heun"))
    page.keyboard.press("Escape")
    expect(page.locator(OPEN)).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(page.locator(ENTRIES)).to_have_count(everything)
    page.keyboard.press("Escape")
    # A click opens it, again too, and what is typed then replaces what stood there.
    sampling.click()
    expect(page.locator(ENTRIES)).to_have_count(everything)
    page.keyboard.type("Euler a")
    expect(page.locator(f"{OPEN} .active")).to_have_text(re.compile("Euler a"))
    page.keyboard.press("Enter")
    expect(sampling).to_have_value("Euler a")
    expect(page.locator(OPEN)).to_have_count(0)
    expect(sampling).to_be_focused()


def test_a_list_of_several_is_filled_and_emptied_by_keyboard(fresh_page):
    page = fresh_page
    field(page, "txt2img_styles").focus()
    tokens = page.locator("#txt2img_styles .token")
    for count, name in enumerate(("ink", "oil"), 1):
        page.keyboard.type(name)
        expect(page.locator(ENTRIES)).to_have_count(1)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(tokens).to_have_count(count)
    page.keyboard.press("Escape")
    expect(page.locator(OPEN)).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(tokens).to_have_count(1)
    expect(field(page, "txt2img_styles")).to_be_focused()
    expect(page.locator(OPEN)).to_have_count(0)
    page.keyboard.press("Backspace")
    expect(tokens).to_have_count(0)


@pytest.mark.parametrize(
    ("opening", "strip"),
    [
        ([], "#tabs > .tab-nav"),
        ([], "#txt2img_extra_tabs .tab-nav"),
        (["img2img"], "#mode_img2img > .tab-nav"),
        (["extras"], "#mode_extras > .tab-nav"),
    ],
)
def test_a_strip_of_tabs_is_one_stop_with_arrows_inside(fresh_page, opening, strip):
    page = fresh_page
    for name in opening:
        page.evaluate("name => webui.showTab(name)", name)
    buttons = page.locator(f"{strip} > button")
    count = buttons.count()
    buttons.first.focus()
    for key, at in (
        ("ArrowRight", 1),
        ("End", count - 1),
        ("ArrowRight", 0),
        ("ArrowLeft", count - 1),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        expect(buttons.nth(at)).to_be_focused()
        expect(buttons.nth(at)).to_have_attribute("aria-selected", "true")
        assert page.locator(f"{strip} > button[tabindex='0']").count() == 1
        panel = page.locator(f"[id='{buttons.nth(at).get_attribute('aria-controls')}']")
        expect(panel).to_be_visible()
        expect(panel).to_have_attribute("role", "tabpanel")
        expect(panel).to_have_attribute("aria-labelledby", str(buttons.nth(at).get_attribute("id")))
    expect(page.locator(strip)).to_have_attribute("role", "tablist")
    page.keyboard.press("Tab")
    assert not page.evaluate("strip => document.activeElement.matches(`${strip} > button`)", strip)


def test_every_stop_shows_that_it_has_the_focus(fresh_page):
    page = fresh_page
    page.add_style_tag(content=steps.STILL)
    page.locator("#txt2img_subseed_show input").check()
    for at, name in enumerate(("txt2img", "img2img", "extras", "pnginfo", "settings")):
        page.evaluate("name => webui.showTab(name)", name)
        # Each look has one colour for all rings.
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", at % 2 == 1)
        page.locator("#tabs > .tab-nav > button.selected").focus()
        rings: dict[str, float] = {}
        # Of the settings, enough to have met each kind of field.
        for _ in range(30 if name == "settings" else 120):
            page.keyboard.press("Tab")
            ring = page.evaluate(RING)
            if ring is None:
                break
            rings[ring[1]] = ring[0]
        assert len(rings) > 2
        assert {stop: contrast for stop, contrast in rings.items() if contrast < 3} == {}, name


def test_a_page_of_cards_is_one_stop_and_arrows_go_through_it(fresh_page):
    page = fresh_page
    page.click("#txt2img_extra_tabs button[data-page=lora]")
    cards = page.locator("#txt2img_lora_cards .card")
    expect(cards).to_have_count(6)
    page.locator("#txt2img_lora_extra_search").focus()
    tab_until(page, ".card")
    name = "document.activeElement.closest('.card').dataset.name"
    names = [page.evaluate(name)]
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        names.append(page.evaluate(name))
    assert names == ["anna", "ben", "cleo", "fay", "emil", "anna"]
    ring = "getComputedStyle(document.activeElement.closest('.card'), '::after').border"
    assert page.evaluate(ring).startswith("3px solid")
    page.keyboard.press("Space")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("<lora:anna:1>")
    expect(page.get_by_role("button", name="anna", exact=True, pressed=True)).to_be_focused()
    # Its small buttons are the next stops; a card that is drawn anew keeps the focus; then the page goes on.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".card.favourite")).to_have_count(1)
    expect(page.locator("[data-name=anna] .icon-star-full")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card.favourite")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.card')") is None
    assert page.locator(".card button button, .card [role=button], [role=button].card").count() == 0


def test_everything_is_done_without_a_mouse(fresh_page):
    page = fresh_page
    press = page.keyboard.press
    tab_until(page, "#txt2img_prompt")
    page.keyboard.type("a fox")
    tab_until(page, "#txt2img_sampling")
    page.keyboard.type("Euler a")
    expect(page.locator(f"{OPEN} .active")).to_have_text(re.compile("Euler a"))
    press("Enter")
    expect(field(page, "txt2img_sampling")).to_have_value("Euler a")
    for elem_id, value in (("steps", 2), ("width", 64), ("height", 64)):
        tab_until(page, f"#txt2img_{elem_id} input[type=number]")
        page.keyboard.type(str(value))
    press("Control+Enter")
    picture = page.locator("#txt2img_gallery .preview .media-button").first
    expect(picture).to_be_visible()
    steps.wait_until_idle(page)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Sampler: Euler a")
    open_and_leave_the_lightbox(page)
    tab_until(page, "#txt2img_send_to_img2img")
    press("Enter")
    expect(page.locator("#tab_img2img-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-name=img2img_image]")).to_have_class(re.compile("has-picture"))
    go_to_tab(page, "txt2img")
    tab_until(page, "#txt2img_extra_tabs button")
    press("End")
    tab_until(page, ".card")
    press("Tab")
    press("Tab")
    press("Enter")
    stay_in_the_dialog(page)
    page.wait_for_function("document.activeElement.closest('.card')?.dataset.name === 'anna'")
    change_a_setting(page)


def open_and_leave_the_lightbox(page: Page) -> None:
    """The focus stays in it while it is open, and goes back."""
    tab_until(page, "#txt2img_gallery .media-button")
    page.keyboard.press("Enter")
    box = page.locator("#lightboxModal")
    expect(box).to_be_visible()
    for key in ["Tab"] * 5 + ["Shift+Tab"] * 5:
        page.keyboard.press(key)
        assert page.evaluate("Boolean(document.activeElement.closest('#lightboxModal'))")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('.media-button')")


def stay_in_the_dialog(page: Page) -> None:
    """Tab does not leave a dialog; Escape does."""
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("button.primary")).to_be_visible()
    # After the last one come the browser's own buttons, and then the first again.
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('body, dialog *')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def go_to_tab(page: Page, label: str) -> None:
    """By the strip of tabs."""
    tab_until(page, "#tabs > .tab-nav > button", "Shift+Tab")
    page.keyboard.press("Home")
    for _ in range(10):
        if page.evaluate("document.activeElement.textContent") == label:
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"There is no tab {label}.")


def change_a_setting(page: Page) -> None:
    """Find one, change it, apply it."""
    go_to_tab(page, "Settings")
    tab_until(page, "#settings_search")
    page.keyboard.type("samples_save")
    expect(page.locator("#setting_samples_save")).to_be_visible()
    tab_until(page, "#setting_samples_save input")
    page.keyboard.press("Space")
    tab_until(page, "#settings_submit", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#settings_result")).to_contain_text("1")
