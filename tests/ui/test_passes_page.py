"""Hires fix, the sparkle button and decoding again, through a browser."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.store.pictures.test_latents import MANY, batch
from tests.ui import browser as steps
from tests.ui.browser import fill_form, opened, reloaded, wait_until_idle
from webui.store.pictures.latents import Latents

pytestmark = pytest.mark.timeout(400)
THUMBNAILS = "#txt2img_gallery .thumbnails .thumbnail-item"
INFOTEXT = "#html_info_txt2img"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder in which a server was killed before it had decoded two pictures."""
    home = tmp_path_factory.mktemp("served")
    left = batch(2, side=8)
    sizes = {"width": 64, "height": 64, "model": "tiny-b"}
    left = replace(left, model="tiny-b", request=left.request.model_copy(update=sizes))
    with Latents(home / "data" / "latents").store(left, MANY):
        pass
    return home


@pytest.fixture
def page(fresh_page):
    """A fresh page; its jobs end before the next."""
    yield fresh_page
    wait_until_idle(fresh_page)


def shown_picture(page: Page) -> Image.Image:
    """The file that the gallery shows."""
    source = page.get_attribute("#txt2img_gallery .preview img", "src") or ""
    return Image.open(Path(unquote(source.split("file=", 1)[1])))


def test_what_a_killed_server_left_is_offered_and_decoded(page):
    expect(page.locator("#txt2img_unfinished")).to_contain_text("2 pictures were sampled but not finished")
    page.click("#txt2img_unfinished_decode")
    expect(page.locator(THUMBNAILS)).to_have_count(3)
    expect(page.locator("#txt2img_unfinished")).to_be_hidden()
    reloaded(page)
    expect(page.locator(THUMBNAILS)).to_have_count(3)
    expect(page.locator("#txt2img_unfinished")).to_be_hidden()


def test_the_accordion_opens_with_its_tick_and_values_outlive_it(page):
    page.check("#txt2img_hr-checkbox input")
    expect(page.locator("#txtimg_hr_finalres")).to_have_text("from 512x512 to 1024x1024")
    steps.set_number(page, "txt2img_hr_resize_x", 640)
    expect(page.locator("#txtimg_hr_finalres")).to_have_text("from 512x512 to 640x640")
    page.uncheck("#txt2img_hr-checkbox input")
    expect(page.locator("#txt2img_hr_resize_x")).to_be_hidden()
    expect(page.locator("#txtimg_hr_finalres")).to_be_hidden()
    page.check("#txt2img_hr-checkbox input")
    reloaded(page)
    expect(page.locator("#txt2img_hr_resize_x input[type=number]")).to_have_value("640")
    expect(page.locator("#txtimg_hr_finalres")).to_have_text("from 512x512 to 640x640")


def test_a_second_pass_makes_the_picture_larger_and_comes_back_from_the_infotext(page):
    fill_form(page, "a large fox", steps=2)
    page.check("#txt2img_hr-checkbox input")
    steps.set_number(page, "txt2img_hr_scale", 2)
    steps.set_number(page, "txt2img_hires_steps", 3)
    page.click("#txt2img_generate")
    expect(page.locator(INFOTEXT)).to_contain_text("a large fox")
    expect(page.locator(INFOTEXT)).to_contain_text("Hires upscale: 2, Hires steps: 3, Hires upscaler: Latent")
    assert shown_picture(page).size == (128, 128)
    page.uncheck("#txt2img_hr-checkbox input")
    page.click("#txt2img_reuse_all")
    expect(page.locator("#txt2img_hr-checkbox input")).to_be_checked()


def test_the_sparkle_enlarges_the_chosen_picture_beside_the_others_and_it_can_be_decoded_again(page):
    fill_form(page, "a small fox", steps=2, seed="5", batches=2)
    # A new browser begins with the form of the last job.
    page.uncheck("#txt2img_hr-checkbox input")
    page.click("#txt2img_generate")
    expect(page.locator(INFOTEXT)).to_contain_text("a small fox")
    expect(page.locator(THUMBNAILS)).to_have_count(3)
    wait_until_idle(page)
    page.locator(THUMBNAILS).nth(2).click()
    expect(page.locator(INFOTEXT)).to_contain_text("Seed: 6")
    page.click("#txt2img_upscale")
    expect(page.locator(THUMBNAILS)).to_have_count(4)
    expect(page.locator(INFOTEXT)).to_contain_text("Hires upscaler: Latent")
    expect(page.locator(INFOTEXT)).to_contain_text("Seed: 6")
    larger = shown_picture(page)
    assert larger.size == (128, 128)
    wait_until_idle(page)
    page.click("#txt2img_decode_again .label-wrap")
    page.click("#txt2img_decode")
    expect(page.locator(THUMBNAILS)).to_have_count(5)
    again = shown_picture(page)
    assert again.filename != larger.filename
    assert again.tobytes() == larger.tobytes()


def test_a_phone_shows_both_accordions_without_scrolling_sideways(chromium, address):
    page = opened(chromium, address, width=390, height=844)
    page.check("#txt2img_hr-checkbox input")
    page.check("#txt2img_enable-checkbox input")
    expect(page.locator("#txt2img_switch_at")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
