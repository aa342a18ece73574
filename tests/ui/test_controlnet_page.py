"""ControlNet in a browser: a picture on a unit, its edges, a picture made with it, and the pose editor."""

import base64
import json

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.ui import browser as steps
from tests.ui.auditor import LOOKS, TWO, Auditor

pytestmark = pytest.mark.timeout(600)
PART, UNITS = "#txt2img_part_controlnet", "#txt2img_controlnet"
DROP = """([data, selector]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  transfer.items.add(new File([bytes], 'disc.png', { type: 'image/png' }));
  const target = document.querySelector(selector);
  for (const name of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(name, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""
# The value of the part, as it goes into the request.
UNIT = "atelier.readPart('txt2img', 'controlnet').units?.[0]"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A control network that fits the smallest checkpoint, and one for another family."""
    # Brings torch, which the other tests of the page do without.
    from tests.extensions.controlnet.control_runs import TINY_SD15, TINY_SDXL, make_tiny_controlnet, save

    home = tmp_path_factory.mktemp("controlled")
    folder = home / "models" / "ControlNet"
    save(make_tiny_controlnet(TINY_SD15).state_dict(), folder / "tiny_canny.safetensors")
    save(make_tiny_controlnet(TINY_SDXL).state_dict(), folder / "large_canny.safetensors")
    return home


@pytest.fixture(scope="module")
def disc(tmp_path_factory):
    """A light disc on dark ground."""
    pixels = np.full((96, 128, 3), 30, np.uint8)
    cv2.circle(pixels, (60, 50), 30, (230, 220, 150), -1)
    path = tmp_path_factory.mktemp("pictures") / "disc.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def units(fresh_page):
    """The opened accordion."""
    fresh_page.wait_for_selector("html[data-parts=ready]")
    fresh_page.click(f"{PART} .part-toggle")
    units = fresh_page.locator(UNITS)
    expect(units.get_by_role("radio", name="Canny")).to_be_visible()
    return units


def kept(address, reference):
    answer = httpx.get(f"{address}v1/inputs/{reference}", timeout=steps.PATIENCE_S).raise_for_status()
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def drop(page, path):
    page.evaluate(DROP, [base64.b64encode(path.read_bytes()).decode(), f"{UNITS} .cn-picture"])
    expect(page.locator(f"{UNITS} .cn-stack img")).to_be_visible()


def test_a_dropped_picture_is_previewed_guides_and_stands_in_the_infotext(fresh_page, units, address, disc):
    page = fresh_page
    drop(page, disc)
    expect(units.get_by_label("Enable", exact=True)).to_be_checked()
    units.get_by_role("radio", name="Canny").check()
    model = units.get_by_label("Model", exact=True)
    # The first that is for edges: the Starter's own comes along.
    expect(model).to_have_value("starter_canny")
    model.select_option("tiny_canny")
    # One of another family stands there with the reason, and cannot be chosen.
    refused = model.locator("option[value=large_canny]")
    expect(refused).to_be_disabled()
    expect(refused).to_contain_text("It is for SDXL")
    units.get_by_label("Preprocessor Resolution, number").fill("96")
    units.get_by_label("Preprocessor Resolution, number").press("Tab")
    units.get_by_role("button", name="Run preprocessor").click()
    shown = units.locator(".cn-preview img")
    expect(shown).to_be_visible()
    edges = kept(address, shown.get_attribute("src").rpartition("/")[2])
    assert np.array_equal(edges[..., 0], cv2.Canny(np.array(Image.open(disc)), 100, 200))
    # A mask is painted, kept by the server, and taken back.
    units.get_by_role("button", name="Mask", exact=True).click()
    units.locator(".cn-stack").scroll_into_view_if_needed()
    box = units.locator(".cn-paint.cn-active").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function(f"{UNIT}.mask")
    mask = kept(address, page.evaluate(f"{UNIT}.mask"))
    assert mask.shape == (96, 128, 3)
    assert mask[48, 64].min() == 255 and mask[2, 2].max() == 0
    units.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"{UNIT}.mask === null")
    units.get_by_role("button", name="Send the picture's size").click()
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("128")
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("96")
    expect(page.locator(f"{PART} .part-line")).to_have_text("1 unit on")
    steps.fill_form(page, "a disc", steps=1, seed="7")
    page.click("#txt2img_generate")
    info = page.locator("#html_info_txt2img")
    expect(info).to_contain_text("ControlNet 0")
    expect(info).to_contain_text("Module: canny, Model: tiny_canny")
    # A reload keeps the unit with its picture.
    steps.reloaded(page)
    page.wait_for_selector("html[data-parts=ready]")
    expect(page.locator(f"{PART} .part-line")).to_have_text("1 unit on")
    page.click(f"{PART} .part-toggle")
    expect(page.locator(f"{UNITS} .cn-stack img")).to_be_visible()


def test_the_pose_editor_writes_a_skeleton_into_the_unit(fresh_page, units, address):
    page = fresh_page
    auditor = Auditor(page)
    auditor.look("ControlNet, empty", UNITS, LOOKS)
    units.get_by_role("radio", name="SoftEdge").check()
    units.get_by_label("Preprocessor", exact=True).select_option("softedge_hed")
    expect(units.get_by_text("ControlNetHED.pth (29 MB, licence")).to_be_visible()
    expect(units.get_by_role("button", name="Fetch ControlNetHED.pth")).to_be_visible()
    auditor.look("ControlNet, a missing file", UNITS)
    page.set_viewport_size({"width": 1440, "height": 900})
    units.get_by_role("button", name="Edit pose").click()
    dialog = page.get_by_role("dialog", name="Pose editor")
    nose = dialog.get_by_role("button", name="Person 1, nose")
    nose.focus()
    before = float(nose.get_attribute("cx"))
    page.keyboard.press("Shift+ArrowRight")
    expect(nose).to_have_attribute("cx", str(before + 10).removesuffix(".0"))
    expect(nose).to_be_focused()
    dialog.get_by_role("button", name="Undo").click()
    expect(nose).to_have_attribute("cx", str(before).removesuffix(".0"))
    wrist = dialog.get_by_role("button", name="Person 1, left wrist")
    box = wrist.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] - 80, steps=3)
    page.mouse.up()
    expect(wrist).not_to_have_attribute("cy", str(box["y"]))
    wrist_at = float(wrist.get_attribute("cx")), float(wrist.get_attribute("cy"))
    dialog.get_by_role("button", name="Left hand").click()
    dialog.get_by_role("button", name="Add person").click()
    expect(dialog.get_by_label("Chosen")).to_have_value("1")
    auditor.look("the pose editor", "dialog", TWO)
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save JSON").click()
    pose = saved.value.path()
    dialog.get_by_role("button", name="Remove person").click()
    dialog.locator("input[type=file]").set_input_files(
        {"name": "pose.json", "mimeType": "application/json", "buffer": pose.read_bytes()}
    )
    expect(dialog.get_by_role("button", name="Person 2, nose")).to_be_visible()
    dialog.get_by_role("button", name="Write into the unit").click()
    expect(dialog).to_have_count(0)
    expect(units.locator(".cn-stack img")).to_be_visible()
    expect(units.get_by_role("radio", name="OpenPose")).to_be_checked()
    unit = page.evaluate(UNIT)
    assert unit["enabled"] and unit["module"] == "none"
    skeleton = kept(address, unit["image"])
    assert skeleton[0, 0].max() == 0
    nose_at = round(before), round(float(pose_of(pose)[0][1]))
    assert skeleton[nose_at[1], nose_at[0]].tolist() == [255, 0, 0]
    # The hand's wrist lies upon the arm's.
    assert skeleton[round(wrist_at[1]), round(wrist_at[0])].max() == 255
    assert not auditor.found, "\n".join(auditor.found)


def pose_of(path):
    joints = json.loads(path.read_text())["people"][0]["pose_keypoints_2d"]
    return [joints[at : at + 3] for at in range(0, len(joints), 3)]
