"""The Extras tab through a browser, on a server of its own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.library.picture_files import weights, write
from tests.ui.browser import SCREENSHOTS

pytestmark = pytest.mark.timeout(400)
FILE_INPUT = "input[type=file]"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("extras")
    write(home / "models" / "ESRGAN", "2x-tiny.pth", weights("Compact"))
    return home


@pytest.fixture
def page(fresh_page):
    """A fresh page with Extras open."""
    fresh_page.click("#tab_extras-button")
    return fresh_page


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Two pictures of 48 x 32."""
    folder = tmp_path_factory.mktemp("pictures")
    y, x = np.mgrid[0:32, 0:48]
    paths = []
    for name in ("first", "second"):
        pixels = np.stack([np.sin(x / 9) * 120 + 127, np.cos(y / 7) * 120 + 127, (x + y) * 3 % 255], -1)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}.png")
        paths.append(folder / f"{name}.png")
    return paths


def choose_upscaler(page: Page, name: str) -> None:
    box = page.locator("#extras_upscaler_1 input")
    box.fill(name)
    box.press("Enter")
    box.press("Tab")


def written(home: Path) -> list[Path]:
    return sorted((home / "outputs" / "extras-images").glob("*.png"))


def test_a_picture_is_dropped_made_larger_and_saved(page, home, pictures):
    page.set_input_files(f"#extras_image {FILE_INPUT}", pictures[0])
    expect(page.locator("#extras_image img")).to_be_visible()
    choose_upscaler(page, "2x-tiny")
    page.click("#extras_generate")
    expect(page.locator("#html_info_extras")).to_have_text(
        "Postprocess upscale by: 4, Postprocess upscaler: 2x-tiny"
    )
    expect(page.locator("#extras_gallery img").first).to_be_visible()
    (path,) = written(home)
    with Image.open(path) as image:
        assert image.size == (192, 128)
        assert image.info["extras"] == "Postprocess upscale by: 4, Postprocess upscaler: 2x-tiny"
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / "extras.png")


def test_a_batch_keeps_the_names_of_its_files(page, home, pictures):
    page.get_by_role("tab", name="Batch Process").click()
    page.set_input_files(f"#extras_image_batch {FILE_INPUT}", pictures)
    expect(page.locator("#extras_image_batch")).to_contain_text("second")
    choose_upscaler(page, "Nearest")
    page.click("#extras_generate")
    expect(page.locator("#html_info_extras")).to_contain_text("Nearest")
    # The first picture is shown while the second is made.
    expect(page.locator("#extras_progress")).to_contain_text("100% · Done in")
    assert {"first.png", "second.png"} <= {path.name for path in written(home)}


def test_a_folder_that_is_not_there_is_told_in_a_sentence(page):
    page.get_by_role("tab", name="Batch from Directory").click()
    page.fill("#extras_batch_input_dir textarea, #extras_batch_input_dir input", "/not/there")
    page.click("#extras_generate")
    expect(page.locator("#extras_notice")).to_contain_text("There is no folder '/not/there' on the server")


def test_without_a_picture_it_says_so(page):
    page.click("#extras_generate")
    expect(page.locator("#extras_notice")).to_contain_text("There is no picture")


def test_restoring_faces_without_weights_says_where_they_go(page):
    page.check("#extras_gfpgan-checkbox input")
    expect(page.locator("#extras_gfpgan p.hint")).to_contain_text("GFPGANv1.4.pth into models/GFPGAN")


def test_the_result_can_be_sent_to_img2img(page, home, pictures):
    page.set_input_files(f"#extras_image {FILE_INPUT}", pictures[0])
    expect(page.locator("#extras_image img")).to_be_visible()
    choose_upscaler(page, "Lanczos")
    page.click("#extras_generate")
    expect(page.locator("#html_info_extras")).to_contain_text("Lanczos")
    page.click("#extras_send_to_img2img")
    expect(page.locator("#tab_img2img")).to_be_visible()


def test_upscale_without_an_upscaler_says_that_the_sizes_stay(page, pictures):
    page.set_input_files(f"#extras_image {FILE_INPUT}", pictures[0])
    expect(page.locator("#extras_image img")).to_be_visible()
    choose_upscaler(page, "None")
    page.click("#extras_generate")
    expect(page.locator("#extras_notice")).to_contain_text("so the sizes stay")


def test_without_upscaler_files_lanczos_is_chosen(built_page):
    (shown,) = (each for each in built_page.blocks.values() if each.elem_id == "extras_upscaler_1")
    assert shown.value == "Lanczos"
