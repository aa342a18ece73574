"""An extension's button that makes what Generate makes, with the inputs of A1111's own event."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.compat.a1111.serving import data_folder, serve
from tests.ui.browser import fill_form, launch, set_number

pytestmark = pytest.mark.timeout(400)
PATIENCE_MS = 90_000
PAINT_THE_LEFT = """name => {
  const context = webui.canvasBoards.get(name).state.layers[0].surface.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, 32, 64);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("own_generate")
    with serve(["own_generate"], folder) as address:
        yield address, data_folder(folder)


@pytest.fixture
def page(served: tuple[str, Path]) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.goto(served[0])
        page.wait_for_selector("html[data-parts=ready]")
        yield page
        browser.close()


def made_by(page: Page, data: Path, button: str, tab: str) -> tuple[bytes, str]:
    """Press a button: the pixels and the infotext of the one new picture."""
    before = set((data / "outputs").rglob("*.png"))
    page.click(button)
    for _ in range(PATIENCE_MS // 100):
        new = set((data / "outputs").rglob("*.png")) - before
        if new:
            break
        page.wait_for_timeout(100)
    page.wait_for_selector(f"#{tab}_interrupt", state="hidden")
    page.wait_for_timeout(500)
    [file] = set((data / "outputs").rglob("*.png")) - before
    with Image.open(file) as image:
        return image.tobytes(), image.info["parameters"]


def test_a_button_of_an_extensions_makes_the_picture_of_txt2img(page: Page, served: tuple[str, Path]):
    data = served[1]
    fill_form(page, "a red house", steps=3, seed="7")
    page.fill("#script_txt2img_word_word textarea, #script_txt2img_word_word input", "said")
    own = made_by(page, data, "#txt2img_generate", "txt2img")
    theirs = made_by(page, data, "#txt2img_make_too", "txt2img")
    assert theirs == own
    assert "Word: said" in own[1]
    answer = page.locator("#txt2img_made_too textarea, #txt2img_made_too input")
    assert answer.input_value().startswith("(64, 64) ")
    assert "Word: said" in answer.input_value()
    # A script that is chosen in the list makes the run.
    page.select_option("#txt2img_script_list", "Backwards")
    backwards = made_by(page, data, "#txt2img_make_too", "txt2img")
    assert backwards[1].startswith("esuoh der a\n")
    assert backwards[0] != own[0]


def test_a_script_of_an_extensions_makes_do_without_a_picture_on_the_canvas(
    page: Page, served: tuple[str, Path]
):
    page.evaluate("webui.showTab('img2img')")
    for name in ("width", "height"):
        set_number(page, f"img2img_{name}", 64)
    page.select_option("#img2img_script_list", "Brings its own")
    pixels, infotext = made_by(page, served[1], "#img2img_generate", "img2img")
    assert "Found: [None]" in infotext
    red, green, blue = (sum(pixels[place::3]) / 4096 for place in range(3))
    assert red > 1.5 * max(green, blue)
    # One that brings none says so, and so does the canvas where no script is chosen.
    page.select_option("#img2img_script_list", "Backwards")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_notice")).to_contain_text("There is no picture to begin with.")
    page.select_option("#img2img_script_list", "None")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_image .canvas")).to_contain_text("There is no picture yet")


def test_a_button_of_an_extensions_makes_the_picture_of_inpaint(page: Page, served: tuple[str, Path]):
    data = served[1]
    page.evaluate("webui.showTab('img2img')")
    page.click("#mode_img2img > .tab-nav > button[data-choice='Inpaint']")
    picture = data / "given.png"
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(picture)
    page.set_input_files("#img2maskimg .a1111-bridge input[type=file]", picture)
    page.wait_for_function("String(webui.canvasPixels('Inpaint')) === '64,64'")
    page.evaluate(PAINT_THE_LEFT, "img2maskimg")
    page.fill("#img2img_prompt textarea", "a red house")
    page.fill("#img2img_seed input", "7")
    for name, value in {"steps": 6, "width": 64, "height": 64, "mask_blur": 2}.items():
        set_number(page, f"img2img_{name}", value)
    page.check("#img2img_inpaint_full_res input[value='Only masked']")
    page.check("#img2img_mask_mode input[value='Inpaint not masked']")
    own = made_by(page, data, "#img2img_generate", "img2img")
    theirs = made_by(page, data, "#img2img_make_too", "img2img")
    assert theirs == own
    # The masked half stays as it was.
    with Image.open(picture) as given:
        inside = Image.frombytes("RGB", (64, 64), own[0]).crop((0, 0, 24, 64))
        assert inside.tobytes() == given.convert("RGB").crop((0, 0, 24, 64)).tobytes()
