"""X/Y/Z plot in a browser: chosen from the list, cells as they finish, then the sheet."""

import re

import pytest
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
    form.get_by_label("X type").select_option(label="Seed")
    form.get_by_label("X values").fill("1-3")
    form.get_by_label("Y type").select_option(label="CFG Scale")
    form.get_by_label("Y values").fill("4, 9")
    page.click("#txt2img_generate")
    page.wait_for_function(CELLS_APPEAR, timeout=LONG_PATIENCE_MS)
    expect(page.locator("#html_info_txt2img")).to_contain_text("X/Y/Z plot", timeout=LONG_PATIENCE_MS)
    expect(page.locator("#html_info_txt2img")).to_contain_text("X Values")
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(1)
