"""Interrogate CLIP and DeepBooru in img2img, through a browser: offers, a picture described, settings."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.captioners import SIDE, TAGS, make_blip, make_tagger
from tests.ui.browser import SCREENSHOTS
from tests.ui.test_img2img import choose, picture, put

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def page(fresh_page):
    """A fresh page with the tab open."""
    fresh_page.evaluate("webui.showTab('img2img')")
    choose(fresh_page, "img2img")
    return fresh_page


def prompt(page: Page):
    """The prompt's field."""
    return page.locator("#img2img_prompt textarea")


def put_picture(page: Page) -> None:
    """A picture on the canvas; the server has it once its size is known."""
    put(page, "img2img_image", picture(96, 64))
    page.wait_for_function("webui.canvasPixels('img2img')?.[0] === 96")


def tagger_of_everything(folder):
    """A tagger that finds three tags in whatever it is shown."""
    weights = np.zeros((SIDE * SIDE * 3, len(TAGS)), np.float32)
    # The sum over a picture that is not black is above 0.
    weights[:, [1, 2, 4]] = 10
    weights[:, [0, 3, 5, 6]] = -10
    make_tagger(folder, weights)


def test_without_a_captioner_one_is_offered_and_with_one_the_prompt_is_filled(page, home):
    said = page.locator("#img2img_actions_column .interrogate-said")
    for button, words in (("#interrogate", "captioner"), ("#deepbooru", "tagger")):
        page.locator(button).click()
        expect(said).to_contain_text(f"There is no {words} yet")
        expect(page.locator(button)).to_have_attribute("aria-busy", "false")
    said.get_by_role("button", name="Get a tagger").click()
    dialog = page.get_by_role("dialog", name="Get a tagger")
    expect(dialog.get_by_role("button", name="Download wd-vit-tagger-v3")).to_be_visible()
    expect(dialog).to_contain_text("Apache-2.0")
    expect(dialog).to_contain_text("379.0 MB")
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/interrogate-offers.png")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    tagger_of_everything(home / "models" / "WD" / "wd-tiny")
    make_blip(home / "models" / "BLIP" / "blip-tiny", seed=4)
    # Without a picture the canvas says what is missing, and the prompt stays.
    prompt(page).fill("what stood there")
    page.locator("#deepbooru").click()
    expect(said).to_contain_text("picture")
    expect(prompt(page)).to_have_value("what stood there")

    put_picture(page)
    page.locator("#deepbooru").focus()
    page.keyboard.press("Enter")
    expect(prompt(page)).to_have_value(r"1girl, hat \(red\), long hair")
    expect(said).to_be_hidden()
    page.locator("#interrogate").click()
    expect(prompt(page)).not_to_have_value(r"1girl, hat \(red\), long hair")
    expect(said).to_be_hidden()
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/interrogate.png")


def test_the_settings_change_what_the_buttons_write(page):
    put_picture(page)
    page.evaluate("webui.showTab('settings')")
    section = page.locator("#settings_interrogate")
    section.get_by_label("Tags: escape brackets").uncheck()
    expect(section).to_contain_text("Kept.")
    if SCREENSHOTS:
        page.evaluate("document.querySelector('#settings_interrogate').scrollIntoView()")
        page.screenshot(path=f"{SCREENSHOTS}/interrogate-settings.png")
    page.evaluate("webui.showTab('img2img')")
    page.locator("#deepbooru").click()
    expect(prompt(page)).to_have_value("1girl, hat (red), long hair")
