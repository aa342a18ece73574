"""The first start, a browser that comes new, and checkpoints that bring their own defaults."""

import re
import shutil

import httpx
import pytest
from playwright.sync_api import expect

from tests.ui import browser as steps
from tests.ui.auditor import Auditor
from tests.ui.browser import PATIENCE_S, SCREENSHOTS, opened, reloaded, set_number, wait_until_idle

PROMPT = "#txt2img_prompt textarea"
EXAMPLES = "#txt2img_examples .example"
INFOTEXT = "#html_info_txt2img"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A folder of checkpoints, empty at first."""
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def address(checkpoints, tmp_path_factory):
    """A server that was never started before."""
    with steps.served(tmp_path_factory.mktemp("first"), checkpoints) as address:
        yield address


@pytest.fixture
def two_checkpoints(address, golden_models, checkpoints):
    """One of SD1 and one of SDXL that has defaults of its own, there while the test runs."""
    for name in ("tiny-b", "tiny-sdxl"):
        for end in (".safetensors", ".yaml"):
            shutil.copy(golden_models / f"{name}{end}", checkpoints)
    httpx.post(f"{address}v1/cards/scan", timeout=PATIENCE_S).raise_for_status()
    values = {"steps": 9, "cfg_scale": 3, "sampler": "Euler a", "clip_skip": 2}
    body = {"checkpoint": "tiny-sdxl", "values": values}
    httpx.put(f"{address}v1/defaults", json=body, timeout=PATIENCE_S).raise_for_status()
    httpx.post(
        f"{address}sdapi/v1/options", json={"sd_model_checkpoint": "tiny-b"}, timeout=PATIENCE_S
    ).raise_for_status()
    yield
    for path in checkpoints.iterdir():
        path.unlink()
    httpx.post(f"{address}v1/cards/scan", timeout=PATIENCE_S).raise_for_status()


def number(page, field):
    return page.locator(f"#{field} input[type=number]")


def offer(page, field):
    return page.locator(f"#{field} .default-offer")


def choose_checkpoint(page, name):
    page.click("#setting_sd_model_checkpoint input")
    page.get_by_role("option", name=re.compile(name)).click()
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(re.compile(name))


def test_a_first_start_makes_a_good_picture_and_a_new_browser_begins_anew(fresh_page, chromium, address):
    page = fresh_page
    expect(page.locator(EXAMPLES)).to_have_count(3)
    for tab in ("txt2img", "img2img"):
        expect(number(page, f"{tab}_width")).to_have_value("256")
        expect(number(page, f"{tab}_height")).to_have_value("256")
        expect(number(page, f"{tab}_cfg_scale")).to_have_value("4")
    page.click("#first_model button:has-text('Get a real model')")
    expect(page.locator("dialog .first-models li")).to_have_count(4)
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/first-models.png")
    auditor = Auditor(page)
    auditor.look("first models", "dialog[open]")
    assert not auditor.found, "\n".join(auditor.found)
    page.keyboard.press("Escape")
    page.click("#first_model .first-model-close")
    expect(page.locator("#first_model")).to_have_count(0)
    before = page.locator(EXAMPLES).first.inner_text()
    page.click("#txt2img_examples .tool")
    expect(page.locator(EXAMPLES).first).not_to_have_text(before)
    wanted = page.locator(EXAMPLES).first.inner_text()
    page.locator(EXAMPLES).first.click()
    expect(page.locator(PROMPT)).to_have_value(wanted)
    expect(page.locator("#txt2img_examples")).to_be_hidden()
    page.click("#txt2img_generate")
    # Twenty steps, as an artist would wait for them on a machine that has much else to do.
    expect(page.locator(INFOTEXT)).to_contain_text("Size: 256x256", timeout=3 * steps.PATIENCE_MS)
    expect(page.locator(INFOTEXT)).to_contain_text("CFG scale: 4")
    wait_until_idle(page)
    page.fill("#txt2img_seed input", "7")
    page.fill(PROMPT, "")
    expect(page.locator(EXAMPLES)).to_have_count(3)
    page.click("#paste")
    expect(page.locator(PROMPT)).to_have_value(wanted)
    reloaded(page)
    expect(page.locator(PROMPT)).to_have_value(wanted)
    expect(page.locator("#first_model")).to_have_count(0)

    other = opened(chromium, address)
    expect(other.locator(PROMPT)).to_have_value("")
    expect(other.locator("#txt2img_seed input")).to_have_value("-1")
    expect(other.locator("#txt2img_hr-checkbox input")).not_to_be_checked()
    expect(number(other, "txt2img_width")).to_have_value("256")
    other.click("#paste")
    steps.ready(other)
    expect(other.locator(PROMPT)).to_have_value("")
    assert other.complaints.errors == []
    other.context.close()


def test_a_checkpoint_fills_in_what_was_not_touched_and_offers_the_rest(address, two_checkpoints, fresh_page):
    page = fresh_page
    reloaded(page)
    choose_checkpoint(page, "tiny-b")
    expect(number(page, "txt2img_width")).to_have_value("512")
    expect(number(page, "img2img_width")).to_have_value("512")
    expect(number(page, "txt2img_cfg_scale")).to_have_value("7")
    set_number(page, "txt2img_steps", 33)

    choose_checkpoint(page, "tiny-sdxl")
    expect(number(page, "txt2img_width")).to_have_value("1024")
    expect(number(page, "txt2img_height")).to_have_value("1024")
    expect(number(page, "txt2img_cfg_scale")).to_have_value("3")
    expect(page.locator("#txt2img_sampling input")).to_have_value("Euler a")
    expect(page.locator("#txt2img_override_settings")).to_contain_text("Clip skip: 2")
    expect(number(page, "txt2img_steps")).to_have_value("33")
    expect(number(page, "img2img_steps")).to_have_value("9")
    expect(offer(page, "txt2img_steps")).to_have_text("9")
    expect(offer(page, "txt2img_width")).to_have_count(0)
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/default-offer.png")

    # What was touched is known after a reload too.
    reloaded(page)
    expect(number(page, "txt2img_steps")).to_have_value("33")
    expect(offer(page, "txt2img_steps")).to_have_text("9")
    offer(page, "txt2img_steps").click()
    expect(number(page, "txt2img_steps")).to_have_value("9")
    expect(offer(page, "txt2img_steps")).to_have_count(0)
    set_number(page, "txt2img_width", 640)
    choose_checkpoint(page, "tiny-b")
    expect(number(page, "txt2img_steps")).to_have_value("20")
    expect(page.locator("#txt2img_override_settings")).to_be_hidden()
    expect(number(page, "txt2img_width")).to_have_value("640")
    expect(number(page, "txt2img_height")).to_have_value("1024")
    expect(offer(page, "txt2img_width")).to_have_text("512\u00d7512")

    httpx.post(
        f"{address}sdapi/v1/options", json={"disable_weights_auto_swap": False}, timeout=PATIENCE_S
    ).raise_for_status()
    # A text keeps its numbers, also where it names another checkpoint.
    text = "a hill\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 9, Size: 512x512, Model: tiny-sdxl"
    page.fill(PROMPT, text)
    page.click("#paste")
    expect(page.locator("#txt2img_override_settings")).to_contain_text("Model: tiny-sdxl")
    expect(offer(page, "txt2img_width")).to_have_text("1024\u00d71024")
    expect(number(page, "txt2img_width")).to_have_value("512")
    expect(number(page, "txt2img_steps")).to_have_value("20")


def test_what_the_form_shows_is_kept_as_the_checkpoints_defaults(address, two_checkpoints, fresh_page):
    page = fresh_page
    reloaded(page)
    choose_checkpoint(page, "tiny-b")
    expect(number(page, "txt2img_width")).to_have_value("512")
    set_number(page, "txt2img_steps", 12)
    set_number(page, "txt2img_height", 640)
    expect(offer(page, "txt2img_steps")).to_have_text("20")
    page.click("#keep_defaults")
    expect(page.locator("#kept_defaults")).to_contain_text("512\u00d7640, 12 steps, CFG 7")
    expect(offer(page, "txt2img_steps")).to_have_count(0)
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/kept-defaults.png")
    kept = httpx.get(f"{address}v1/defaults", params={"checkpoint": "tiny-b"}, timeout=PATIENCE_S).json()
    assert kept["values"] | {"steps": 12, "width": 512, "height": 640} == kept["values"]
    assert kept["sources"]["steps"] == "card"
    page.click("#kept_defaults button:has-text('Forget them')")
    expect(page.locator("#kept_defaults")).to_contain_text("no defaults of yours")
    expect(offer(page, "txt2img_steps")).to_have_text("20")
    assert httpx.get(f"{address}v1/defaults", timeout=PATIENCE_S).json()["sources"]["steps"] == "family"
