"""Pictures of the shipped extensions on the page, for docs: run it with SCREENSHOTS=docs/screenshots."""

from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.extensions.detailer.detector_file import bright_squares
from tests.ui import browser as steps
from tests.ui.browser import SCREENSHOTS
from tests.ui.test_controlnet_page import DROP
from tests.ui.test_page import choose_starter
from tests.ui.test_regions_page import stroke

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        SCREENSHOTS is None, reason="Set SCREENSHOTS to a folder to take pictures of the page."
    ),
]
HOUSE = "a red house by the sea at sunset, watercolour"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A detector of what is bright."""
    home = tmp_path_factory.mktemp("shown")
    folder = home / "models" / "adetailer"
    folder.mkdir(parents=True)
    (folder / "bright.onnx").write_bytes(bright_squares())
    return home


@pytest.fixture
def shown(chromium, address, request):
    """A page at the Starter's size, dark where it is wide."""
    width = getattr(request, "param", 1440)
    page = steps.opened(chromium, address, width=width, height=1000 if width > 600 else 844, dark=width > 600)
    choose_starter(page)
    page.wait_for_selector("html[data-parts=ready]")
    steps.fill_form(page, HOUSE, steps=20, side=256, seed="21")
    yield page
    page.context.close()


def take(page, name, part):
    """The page with an extension's form at its top, as a small WebP."""
    steps.wait_until_idle(page)
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.locator(part).evaluate("part => scrollTo(0, part.getBoundingClientRect().top + scrollY - 16)")
    page.wait_for_timeout(800)
    path = steps.ROOT / str(SCREENSHOTS) / f"{name}.webp"
    Image.open(BytesIO(page.screenshot())).save(path, quality=82, method=6)
    assert Path(path).stat().st_size < 150_000


def generate(page, expected):
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text(expected)


@pytest.mark.parametrize("shown", [1440, 390], indirect=True)
def test_a_unit_of_controlnet_with_edges(shown, address):
    page, units = shown, shown.locator("#txt2img_controlnet")
    asked = {"prompt": HOUSE, "steps": 20, "width": 256, "height": 256, "seed": 4, "cfg_scale": 4}
    given = {**asked, "override_settings": {"sd_model_checkpoint": "starter"}}
    made = httpx.post(f"{address}sdapi/v1/txt2img", json=given, timeout=120).raise_for_status().json()
    page.click("#txt2img_part_controlnet .part-toggle")
    units.get_by_role("radio", name="Canny").check()
    page.evaluate(DROP, [made["images"][0], "#txt2img_controlnet .cn-picture"])
    expect(units.locator(".cn-stack img")).to_be_visible()
    units.get_by_label("Preprocessor Resolution, number").fill("256")
    units.get_by_role("button", name="Run preprocessor").click()
    expect(units.locator(".cn-preview img")).to_be_visible()
    page.fill("#txt2img_prompt textarea", "a blue house in snow at night, oil painting")
    generate(page, "ControlNet 0")
    take(page, f"controlnet-{page.viewport_size['width']}", "#txt2img_part_controlnet")


def test_a_sheet_of_xyz_plot(shown):
    page, form = shown, shown.locator("#txt2img_scripts")
    page.select_option("#txt2img_script_list", label="X/Y/Z plot")
    form.get_by_label("X type").select_option(label="CFG Scale")
    form.get_by_label("X values").fill("2, 4, 8")
    form.get_by_label("Y type").select_option(label="Prompt S/R")
    form.get_by_label("Y values").fill("watercolour, oil painting")
    generate(page, "X/Y/Z plot")
    take(page, "xyz-plot-1440", "#txt2img_scripts")


def test_a_unit_of_the_detailer(shown):
    page, part = shown, shown.locator("#txt2img_part_detailer")
    part.locator(".part-toggle").click()
    part.get_by_label("Detector").select_option(label="bright.onnx")
    part.get_by_label("Mask only the top k").first.fill("1")
    part.get_by_label("Use separate steps").check()
    page.check("#txt2img_part_detailer_enabled")
    generate(page, "ADetailer model")
    take(page, "detailer-1440", "#txt2img_part_detailer")


def test_painted_regions(shown):
    page, part = shown, shown.locator("#txt2img_part_regional_prompts")
    page.fill("#txt2img_prompt textarea", "a red house BREAK a yellow star on dark blue")
    part.locator(".part-toggle").click()
    part.get_by_label("Divide mode").select_option(label="Mask")
    part.get_by_label("Brush size").fill("40")
    for y in (0.15, 0.45, 0.8):
        stroke(page, (0.1, y), (0.38, y))
    part.get_by_role("button", name="Region 2").click()
    for y in (0.2, 0.5):
        stroke(page, (0.68, y), (0.9, y))
    page.check("#txt2img_part_regional_prompts_enabled")
    generate(page, "RP Active")
    take(page, "regional-prompts-1440", "#txt2img_part_regional_prompts")
