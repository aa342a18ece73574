"""Scripts in a browser: X/Y/Z plot, with cells as they finish and then the sheet, and the prompt matrix."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.ui import browser as steps

# Six pictures, one after the other: on a busy machine that takes minutes.
LONG_PATIENCE_MS = 4 * steps.PATIENCE_MS
pytestmark = pytest.mark.timeout(900)
# Several pictures in the gallery while the job still runs.
CELLS_APPEAR = """() => {
    const pictures = document.querySelectorAll(
        "#txt2img_gallery .thumbnails img, #txt2img_gallery .grid-container img",
    );
    return document.querySelector("#txt2img_progress .progressDiv") && pictures.length >= 2;
}"""


def test_cells_appear_as_they_finish_and_the_sheet_takes_their_place(fresh_page):
    page = fresh_page
    page.wait_for_selector("html[data-parts=ready]")
    steps.fill_form(page, "a fox", steps=30)
    page.select_option("#txt2img_script_list", label="X/Y/Z plot")
    form = page.locator("#txt2img_scripts")
    expect(form.get_by_label("Y type").locator("option", has_text=re.compile("^CFG Scale$"))).to_have_count(1)
    fill = form.get_by_role("button", name="Fill with all values of this axis: X")
    form.get_by_label("X type").select_option(label="Schedule type")
    fill.click()
    expect(form.get_by_label("X values")).to_have_value(re.compile("Automatic,.*Karras"))
    form.get_by_label("X type").select_option(label="Seed")
    expect(fill).to_be_hidden()
    form.get_by_label("X values").fill("1-3")
    form.get_by_label("Y type").select_option(label="CFG Scale")
    form.get_by_label("Y values").fill("4, 9")
    page.click("#txt2img_generate")
    page.wait_for_function(CELLS_APPEAR, timeout=LONG_PATIENCE_MS)
    expect(page.locator("#html_info_txt2img")).to_contain_text("X/Y/Z plot", timeout=LONG_PATIENCE_MS)
    expect(page.locator("#html_info_txt2img")).to_contain_text("X Values")
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(1)


def test_a_prompt_matrix_has_a_sheet_with_legends_before_its_pictures(fresh_page):
    page = fresh_page
    page.wait_for_selector("html[data-parts=ready]")
    steps.fill_form(page, "a fox|in red|at night", steps=1, seed="7")
    page.select_option("#txt2img_script_list", label="Prompt matrix")
    form = page.locator("#txt2img_scripts")
    form.get_by_label("Put variable parts at start of prompt").check()
    page.click("#txt2img_generate")
    shown = page.locator("#txt2img_gallery .thumbnails .thumbnail-item")
    expect(shown).to_have_count(5)
    steps.wait_until_idle(page)
    info = page.locator("#html_info_txt2img")
    expect(info).to_contain_text("a fox")
    sheet, *pictures = [pixels_of(page, each.locator("img").get_attribute("src")) for each in shown.all()]
    # Two columns with and without the first part, two rows with and without the second, words before them.
    top, left = sheet.shape[0] - 2 * 64, sheet.shape[1] - 2 * 64
    assert top > 0 and left > 0
    for number, picture in enumerate(pictures):
        row, column = top + 64 * (number // 2), left + 64 * (number % 2)
        assert np.array_equal(sheet[row : row + 64, column : column + 64], picture)
    assert (sheet[:top, left:] < 128).any() and (sheet[top:, :left] < 128).any()
    # Each picture tells its own prompt.
    shown.nth(4).click()
    expect(info).to_contain_text("in red, at night, a fox")
    shown.nth(1).click()
    expect(info).not_to_contain_text("night")


def pixels_of(page, address):
    """A picture that the page shows, as the server gives it to this browser."""
    whole = page.evaluate("address => new URL(address, document.baseURI).href", address)
    return np.asarray(Image.open(BytesIO(page.request.get(whole).body())).convert("RGB"))
