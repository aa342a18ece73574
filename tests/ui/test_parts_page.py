"""An extension's part in a browser: drawn, in the picture's infotext, kept over a reload, pasted."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.plugins.extension_files import PART, write_extension
from tests.ui import browser as steps

pytestmark = pytest.mark.timeout(400)
TICK, AMOUNT = "#txt2img_part_sharpness_enabled", "#txt2img_part_sharpness input[type=number]"


@pytest.fixture(scope="module")
def address(golden_models, home):
    write_extension(home / "extensions", "sharp", PART)
    write_extension(home / "extensions", "broken", "1 / 0")
    with steps.served(home, golden_models) as address:
        httpx.post(
            f"{address}sdapi/v1/options", json={"sd_model_checkpoint": "tiny-b"}, timeout=steps.PATIENCE_S
        ).raise_for_status()
        yield address


def test_a_part_is_drawn_used_kept_and_pasted(fresh_page):
    page = fresh_page
    page.wait_for_selector("html[data-parts=ready]")
    steps.fill_form(page, "a fox", steps=1)
    page.check(TICK)
    page.fill(AMOUNT, "2.5")
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Sharpness")
    expect(page.locator("#html_info_txt2img")).to_contain_text("2.5")
    steps.reloaded(page)
    page.wait_for_selector("html[data-parts=ready]")
    expect(page.locator(TICK)).to_be_checked()
    expect(page.locator(AMOUNT)).to_have_value("2.5")
    page.click("#txt2img_part_sharpness .icon-reset")
    expect(page.locator(TICK)).not_to_be_checked()
    page.fill("#txt2img_prompt textarea", "")
    page.click("#paste")
    expect(page.locator(TICK)).to_be_checked()
    expect(page.locator(AMOUNT)).to_have_value("2.5")
    page.locator("#txt2img_put_back").get_by_role("button", name="Put back").click()
    expect(page.locator(TICK)).not_to_be_checked()
    expect(page.locator("#settings_extensions")).to_contain_text("ZeroDivisionError")
