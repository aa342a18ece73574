"""The detailer in a browser: a detector from the list, fields that come with a tick, a picture detailed."""

import pytest
from playwright.sync_api import expect

from tests.extensions.detailer.detector_file import bright_squares
from tests.ui import browser as steps
from tests.ui.auditor import LOOKS, Auditor

pytestmark = pytest.mark.timeout(600)
PART = "#txt2img_part_detailer"
# The value of the part, as it goes into the request.
UNITS = "atelier.readPart('txt2img', 'detailer').units"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A detector of bright squares."""
    home = tmp_path_factory.mktemp("detailed")
    folder = home / "models" / "adetailer"
    folder.mkdir(parents=True)
    (folder / "bright.onnx").write_bytes(bright_squares())
    return home


def choose_and_fill(first):
    """The first unit: a detector from the list, shares as sliders, fields that come with their tick."""
    detector = first.get_by_label("Detector")
    expect(detector.locator("option")).to_have_text(["None", "bright.onnx"])
    detector.select_option(label="bright.onnx")
    # A share is a slider, although its field takes whole numbers too.
    share = first.get_by_role("slider", name="Detection confidence")
    expect(share).to_have_attribute("max", "1")
    expect(share).to_have_value("0.3")
    first.get_by_role("spinbutton", name="Detection confidence").fill("0")
    first.get_by_role("spinbutton", name="Mask only the top k").fill("1")
    own_steps = first.get_by_role("spinbutton", name="Steps", exact=True)
    expect(own_steps).to_be_hidden()
    first.get_by_label("Use separate steps").check()
    own_steps.fill("2")
    schedule = first.get_by_label("Schedule type")
    expect(schedule).to_be_hidden()
    first.get_by_label("Use separate sampler").check()
    expect(schedule.locator("option", has_text="Karras")).to_have_count(1)
    schedule.select_option(label="Karras")
    # The default can be chosen again, although the server's list lacks it.
    schedule.select_option(label="Use same scheduler")
    first.get_by_label("Use separate sampler").uncheck()
    expect(schedule).to_be_hidden()


def test_a_picture_is_detailed_as_the_form_says(fresh_page):
    page = fresh_page
    page.wait_for_selector("html[data-parts=ready]")
    part = page.locator(PART)
    part.locator(".part-toggle").click()
    choose_and_fill(part.get_by_role("group", name="Unit 1"))
    part.get_by_role("button", name="Add").click()
    second = part.get_by_role("group", name="Unit 2")
    expect(second.get_by_label("Detector").locator("option")).to_have_count(2)
    auditor = Auditor(page)
    auditor.look("the detailer with two units", PART, LOOKS)
    second.get_by_role("button", name="Remove").click()
    expect(second).to_have_count(0)
    page.check(f"{PART}_enabled")
    steps.fill_form(page, "a fox", steps=1, seed="7")
    page.click("#txt2img_generate")
    info = page.locator("#html_info_txt2img")
    expect(info).to_contain_text("ADetailer model: bright.onnx")
    expect(info).to_contain_text("ADetailer steps: 2")
    steps.wait_until_idle(page)
    made = page.evaluate(UNITS)
    part.locator(".icon-reset").click()
    page.wait_for_function(f"{UNITS}[0].model === 'None'")
    page.fill("#txt2img_prompt textarea", "")
    page.click("#paste")
    page.wait_for_function(f"{UNITS}[0].model === 'bright.onnx'")
    assert page.evaluate(UNITS) == made
    expect(page.locator(f"{PART}_enabled")).to_be_checked()
    steps.reloaded(page)
    page.wait_for_selector("html[data-parts=ready]")
    # What is in use is open.
    expect(part.get_by_label("Detector").locator("option:checked")).to_have_text("bright.onnx")
    assert not auditor.found, "\n".join(auditor.found)
