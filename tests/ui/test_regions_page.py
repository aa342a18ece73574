"""Regional prompts in a browser: areas painted by hand and by keys, kept as masks, used, and painted on."""

from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.ui import browser as steps

pytestmark = pytest.mark.timeout(600)
PART = "#txt2img_part_regional_prompts"
MASKS = "atelier.readPart('txt2img', 'regional_prompts').masks"
# How much of the canvas' pixel at a share of its width and height is painted, 0 to 255.
PAINT = f"""(([x, y]) => {{
  const canvas = document.querySelector('{PART} canvas');
  const at = [Math.round(canvas.width * x), Math.round(canvas.height * y)];
  return canvas.getContext('2d').getImageData(...at, 1, 1).data[3];
}})"""


def stroke(page, start, end, button="left"):
    """A stroke over the canvas between two points, shares of its width and height; until its mask is kept."""
    canvas = page.locator(f"{PART} canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    before = page.evaluate(MASKS)
    for at, (x, y) in enumerate((start, end)):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=4)
        page.mouse.down(button=button) if at == 0 else page.mouse.up(button=button)
    page.wait_for_function(f"before => JSON.stringify({MASKS}) !== JSON.stringify(before)", arg=before)


def masks_of(page, address):
    """The masks as the server keeps them, (R, H, W)."""
    kept = [
        httpx.get(f"{address}v1/inputs/{each}", timeout=steps.PATIENCE_S).raise_for_status()
        for each in page.evaluate(MASKS)
    ]
    pictures = [Image.open(BytesIO(each.content)).convert("L") for each in kept]
    return np.stack([np.asarray(each) > 127 for each in pictures])


def at(mask, x, y):
    """A mask's pixel at a share of its width and height."""
    return bool(mask[int(mask.shape[0] * y), int(mask.shape[1] * x)])


def many_masks(page, many):
    page.wait_for_function(f"many => {MASKS}.length === many", arg=many)


def test_painted_areas_are_kept_used_and_painted_on(fresh_page, address):
    page = fresh_page
    page.wait_for_selector("html[data-parts=ready]")
    steps.fill_form(page, "a red house BREAK a yellow star", steps=1, seed="7")
    steps.set_number(page, "txt2img_width", 128)
    part = page.locator(PART)
    part.locator(".part-toggle").click()
    expect(part.locator("canvas")).to_be_hidden()
    part.get_by_label("Divide mode").select_option(label="Mask")
    expect(part.get_by_label("Divide ratio")).to_be_hidden()
    # The canvas has the picture's shape.
    page.wait_for_function(f"document.querySelector('{PART} canvas').height === 256")
    stroke(page, (0.2, 0.2), (0.2, 0.8))
    part.get_by_role("button", name="Region 2").click()
    stroke(page, (0.8, 0.2), (0.8, 0.8))
    first, second = masks_of(page, address)
    assert first.shape == (256, 512)
    assert at(first, 0.2, 0.5) and not at(first, 0.8, 0.5) and not at(first, 0.5, 0.5)
    assert at(second, 0.8, 0.5) and not at(second, 0.2, 0.5)
    # What is painted over is no longer the first's; the right button frees it; undo takes both back.
    stroke(page, (0.2, 0.5), (0.2, 0.5))
    first, second = masks_of(page, address)
    assert at(second, 0.2, 0.5) and not at(first, 0.2, 0.5)
    stroke(page, (0.2, 0.5), (0.2, 0.5), button="right")
    assert not any(at(mask, 0.2, 0.5) for mask in masks_of(page, address))
    part.get_by_role("button", name="Undo").click()
    part.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"{PAINT}([0.2, 0.5]) > 0")
    # By keys: the brush begins in the middle.
    part.get_by_role("button", name="Add a region").click()
    part.locator("canvas").focus()
    page.mouse.move(0, 0)
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")
    many_masks(page, 3)
    third = masks_of(page, address)[2]
    assert at(third, 0.5, 0.4) and not at(third, 0.5, 0.6)
    part.get_by_role("button", name="Remove").click()
    many_masks(page, 2)
    use_areas(page, part)
    paint_on(page, part, address)


def use_areas(page, part):
    """Make a picture of them, after one with too few prompts was refused."""
    page.check(f"{PART}_enabled")
    expect(part.locator(".part-line")).to_have_text("2 painted")
    page.fill("#txt2img_prompt textarea", "a red house")
    page.click("#txt2img_generate")
    expect(page.locator("#tab_txt2img .notice-box.error:visible").first).to_contain_text(
        "there are 2 regions"
    )
    page.fill("#txt2img_prompt textarea", "a red house BREAK a yellow star")
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("RP Divide mode: Mask")
    steps.wait_until_idle(page)


def paint_on(page, part, address):
    """After a reload, Reset and pasting the infotext, the areas are there and can be painted on."""
    kept = page.evaluate(MASKS)
    steps.reloaded(page)
    page.wait_for_selector("html[data-parts=ready]")
    page.wait_for_function(f"{PAINT}([0.2, 0.5]) > 0")
    part.locator(".icon-reset").click()
    page.wait_for_function(f"{PAINT}([0.2, 0.5]) === 0")
    page.fill("#txt2img_prompt textarea", "")
    page.click("#paste")
    page.wait_for_function(f"{PAINT}([0.2, 0.5]) > 0")
    assert page.evaluate(MASKS) == kept
    part.get_by_role("button", name="Region 1").click()
    part.get_by_role("button", name="Fill").click()
    page.wait_for_function(f"before => {MASKS}[0] !== before", arg=kept[0])
    first, second = masks_of(page, address)
    assert (first ^ second).all()
    part.get_by_role("button", name="Show picture").click()
    expect(part.locator(".rp-behind")).to_be_visible()
