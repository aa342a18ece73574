"""Panels, settings, tabs and callbacks of an extension, in the real page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.compat.a1111.serving import data_folder, serve
from tests.ui.browser import launch

PATIENCE_MS = 60_000
WORDS = "#script_txt2img_test_panel_words textarea, #script_txt2img_test_panel_words input"
ENABLED = "#script_txt2img_test_panel_enabled input"
SCRIPT_WORDS = "#txt2img_script_panel_0 textarea, #txt2img_script_panel_0 input"
IMG_WORDS = "#script_img2img_test_panel_words input"
STEPS = "#txt2img_steps input[type=number]"
PAINT_A_CORNER = """name => {
  const context = webui.canvasBoards.get(name).state.layers[0].surface.getContext('2d');
  context.fillStyle = '#f00';
  context.fillRect(0, 0, 20, 20);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("panels")
    with serve(["panels"], folder) as address:
        yield address, data_folder(folder)


def show(page: Page, tab: str) -> None:
    """Show a tab, as a click on its button does."""
    page.evaluate("tab => window.webui.showTab(tab)", tab)


def send_everywhere(page: Page) -> None:
    """The infotext and the picture of the extension's tab go where its buttons say."""
    page.click("#test_tab_buttons button:has-text('Send to txt2img')")
    expect(page.locator(WORDS)).to_be_visible()
    expect(page.locator(WORDS)).to_have_value("sent")
    expect(page.locator(ENABLED)).to_be_checked()
    expect(page.locator(STEPS)).to_have_value("7")
    for place, mode in (("img2img", "img2img"), ("inpaint", "Inpaint")):
        show(page, "test_tab")
        page.click(f"#test_tab_buttons button:has-text('Send to {place}')")
        page.wait_for_function("mode => String(window.webui.canvasPixels(mode)) === '48,40'", arg=mode)
        expect(page.locator("#img2img_generate")).to_be_visible()
        expect(page.locator("#img2img_prompt textarea")).to_have_value("a cat")
        expect(page.locator("#script_img2img_test_panel_words textarea, " + IMG_WORDS)).to_have_value("sent")


def draw_on_a_canvas_and_look(page: Page) -> None:
    """An event of the extension's gives the canvas of img2img a picture; another reads what is there."""
    answer = page.locator("#test_tab_answer textarea, #test_tab_answer input")
    show(page, "test_tab")
    page.click("#test_tab_look")
    expect(answer).to_have_value("nothing NoneType None")
    # The same picture may be given again, when the artist has taken it away.
    for _ in range(2):
        page.click("#test_tab_draw")
        page.wait_for_function("String(window.webui.canvasPixels('img2img')) === '56,72'")
        page.click("#test_tab_look")
        expect(answer).to_have_value("data:image Image ((56, 72), (0, 0, 255, 255))")
        page.evaluate("window.webui.canvasBoards.get('img2img_image').remove()")
        page.click("#test_tab_look")
        expect(answer).to_have_value("nothing NoneType None")
    assert page.locator("#img2img_image .canvas").count() == 1


def find_what_is_painted(page: Page) -> None:
    """An event reads the picture and the mask of Inpaint apart, and the picture of Sketch with its paint."""
    answer = page.locator("#test_tab_answer textarea, #test_tab_answer input")
    show(page, "test_tab")
    page.click("#test_tab_find_paint")
    expect(answer).to_have_value("nothing None None")
    page.click("#test_tab_draw_both")
    for mode in ("Inpaint", "Sketch"):
        page.wait_for_function("mode => String(window.webui.canvasPixels(mode)) === '56,72'", arg=mode)
    page.click("#test_tab_find_paint")
    blue = (0, 0, 255, 255)
    expect(answer).to_have_value(f"{[(0, blue), (0, blue)]} {blue} {blue}")
    for name in ("img2maskimg", "img2img_sketch"):
        page.evaluate(PAINT_A_CORNER, name)
    page.click("#test_tab_find_paint")
    expect(answer).to_have_value(f"{[(255, blue), (0, blue)]} {(255, 0, 0, 255)} {blue}")


def run_extras(page: Page) -> None:
    """The picture goes to Extras, where a script of the extension changes it."""
    show(page, "test_tab")
    page.click("#test_tab_buttons button:has-text('Send to extras')")
    expect(page.locator("#extras_image img")).to_be_visible()
    page.check("#extras_script_container .input-accordion input[type=checkbox]")
    page.fill("#test_invert_word textarea, #test_invert_word input", "twice")
    page.click("#extras_generate")
    expect(page.locator("#html_info_extras")).to_contain_text("Inverted: twice")


def log_of(data: Path) -> str:
    """What the extension noted."""
    return (data / "extensions" / "panels" / "log.txt").read_text()


def look_at_what_was_made_early(page: Page) -> None:
    """Components of a script's `__init__` stand in both tabs."""
    page.wait_for_function("window.webui?.showTab")
    for tab in ("txt2img", "img2img"):
        show(page, tab)
        container = page.locator(f"#{tab}_script_container")
        expect(container.get_by_label("Made early")).to_be_visible()
    show(page, "txt2img")


def look_at_the_settings(page: Page) -> None:
    """The extension's section is called by its category too; scripts find where its settings stand."""
    show(page, "settings")
    expect(page.locator("#settings_sections a[href='#settings_test_panel']")).to_have_text(
        "Test category: Test Panel"
    )
    rows = "document.querySelector('#settings_test_panel > div > div')"
    assert page.evaluate(f"[{rows}.id, {rows}.querySelectorAll('.setting').length]") == [
        "column_settings_test_panel",
        2,
    ]


def check_what_files_tell(page: Page, data: Path) -> None:
    """A file tells of the panel that was changed, and not of the one that is as it was built."""
    before = set((data / "outputs").rglob("*.png"))
    page.select_option("#txt2img_script_list", index=0)
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("a cat")
    [file] = set((data / "outputs").rglob("*.png")) - before
    assert b"test panel" in file.read_bytes()
    assert b"made early" not in file.read_bytes()


def test_an_extensions_panels_settings_and_tabs_work(served: tuple[str, Path]):
    address, data = served
    assert {"before_ui", "fields Prompt True", "app_started True"} <= set(log_of(data).splitlines())
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.goto(address)
        look_at_what_was_made_early(page)
        page.select_option("#txt2img_script_list", "Test Script")
        expect(page.locator(SCRIPT_WORDS)).to_be_visible()
        page.check(ENABLED)
        page.fill(WORDS, "hello")
        page.click("#script_txt2img_test_panel_more")
        expect(page.locator("#script_txt2img_test_panel_choice input")).to_have_value("d")
        page.fill(SCRIPT_WORDS, "a dog")
        for side in ("width", "height"):
            page.fill(f"#txt2img_{side} input[type=number]", "64")
        page.fill(STEPS, "1")
        page.click("#txt2img_generate")
        expect(page.locator("#html_info_txt2img")).to_contain_text("Panel words: hello")
        assert "run a dog" in log_of(data)
        # The choices that an event gave count, and what is no JSON arrives as it was.
        assert "process True hello d {'plain': (1, 2)}" in log_of(data)
        page.reload()
        expect(page.locator("#txt2img_script_list")).to_have_value("Test Script")
        expect(page.locator(WORDS)).to_have_value("hello")
        page.fill("#txt2img_prompt textarea", "a cat\nSteps: 5, Panel on: False, Panel words: pasted")
        page.click("#paste")
        expect(page.locator(WORDS)).to_have_value("pasted")
        expect(page.locator(ENABLED)).not_to_be_checked()
        check_what_files_tell(page, data)
        look_at_the_settings(page)
        page.fill("#setting_test_panel_word textarea, #setting_test_panel_word input", "second")
        page.click("#settings_submit")
        expect(page.locator("#settings_result")).to_contain_text("Panel word")
        kept = json.loads(next(data.rglob("settings.json")).read_text())
        assert kept["test_panel_word"] == "second"
        assert "onchange second" in log_of(data)
        assert page.request.get(f"{address}test-panel/hello").json() == {"hello": "second"}
        show(page, "test_tab")
        page.click("#test_tab_echo")
        expect(page.locator("#test_tab_answer textarea, #test_tab_answer input")).to_have_value("heard 49")
        page.click("#test_tab_make")
        expect(page.locator("#test_tab_image img")).to_be_visible()
        draw_on_a_canvas_and_look(page)
        find_what_is_painted(page)
        send_everywhere(page)
        run_extras(page)
        names = page.request.get(f"{address}sdapi/v1/scripts").json()
        assert {"test panel", "test script"} <= set(names["txt2img"])
        browser.close()
