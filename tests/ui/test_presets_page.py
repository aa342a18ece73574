"""Presets in a browser: keep, change, apply, put back, update, rename, delete, drop, and wrong files."""

import json
import os
import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui import browser as steps
from tests.ui.browser import PATIENCE_S, drop, set_number
from webui.core.preset import PRESET_MARK, PRESET_VERSION

pytestmark = pytest.mark.timeout(400)
PROMPT = "#txt2img_prompt textarea"
SAID = "#txt2img_put_back"
TRAY = "#arrivals li"


@pytest.fixture(scope="module")
def address(golden_models, home, tmp_path_factory):
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    for name in ("tiny-sd15", "tiny-b"):
        for path in golden_models.glob(f"{name}.*"):
            os.link(path, checkpoints / path.name)
    with steps.served(home, checkpoints) as address:
        choice = {"sd_model_checkpoint": "tiny-b"}
        httpx.post(f"{address}sdapi/v1/options", json=choice, timeout=PATIENCE_S).raise_for_status()
        yield address


def open_presets(page: Page) -> Locator:
    dialog = page.locator("dialog.details")
    # The one before is there a moment longer than one sees it.
    expect(dialog).to_have_count(0)
    page.click("#txt2img_presets")
    expect(dialog.get_by_role("button", name="Save current as")).to_be_visible()
    return dialog


def keep(page: Page, name: str) -> Locator:
    dialog = open_presets(page)
    dialog.get_by_label("Name of the new preset").fill(name)
    dialog.get_by_role("button", name="Save current as").click()
    expect(dialog.locator(".presets-message")).to_contain_text(f"“{name}” is kept")
    return dialog


def more(dialog: Locator, name: str, words: str) -> None:
    dialog.get_by_title(f"More for {name}").click()
    dialog.page.get_by_role("menuitem", name=words).click()


def row(dialog: Locator, name: str) -> Locator:
    return dialog.locator(".presets-list li").filter(has=dialog.page.locator("strong", has_text=name))


def form_shows(page: Page, prompt: str, step_count: int, checkpoint: str) -> None:
    expect(page.locator(PROMPT)).to_have_value(prompt)
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value(str(step_count))
    shows_checkpoint(page, checkpoint)


def shows_checkpoint(page: Page, name: str) -> None:
    # Behind the name stands the hash once it is known.
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(
        re.compile(f"^{re.escape(name)}")
    )


def choose_checkpoint(page: Page, name: str) -> None:
    page.click("#setting_sd_model_checkpoint input")
    page.locator("[role=option]", has_text=name).first.click()
    shows_checkpoint(page, name)


def test_a_set_up_is_kept_changed_applied_and_put_back(fresh_page, address):
    page = fresh_page
    page.fill(PROMPT, "a heron <lora:ink:0.7>")
    page.fill("#txt2img_seed input", "77")
    set_number(page, "txt2img_steps", 13)
    page.locator("#txt2img_hr-checkbox input").check()
    dialog = keep(page, "Heron")
    dialog.get_by_role("button", name="Close").click()

    choose_checkpoint(page, "tiny-sd15.safetensors")
    page.fill(PROMPT, "a boat")
    page.fill("#txt2img_seed input", "-1")
    set_number(page, "txt2img_steps", 5)
    page.locator("#txt2img_hr-checkbox input").uncheck()
    dialog = open_presets(page)
    # Nothing fixes the seed now, so there is none to keep.
    expect(dialog.get_by_text("with its seed")).to_be_hidden()
    row(dialog, "Heron").get_by_role("button", name="Apply").click()
    expect(dialog).to_have_count(0)
    form_shows(page, "a heron <lora:ink:0.7>", 13, "tiny-b.safetensors")
    expect(page.locator("#txt2img_seed input")).to_have_value("77")
    expect(page.locator("#txt2img_hr-checkbox input")).to_be_checked()
    expect(page.locator(SAID)).to_contain_text("“Heron” filled the form")
    # What is missing is said; the rest is filled.
    expect(page.locator(SAID)).to_contain_text("ink is not here")
    page.locator(SAID).get_by_role("button", name="Put back").click()
    expect(page.locator(SAID)).to_contain_text("what it was before")
    form_shows(page, "a boat", 5, "tiny-sd15.safetensors")
    expect(page.locator("#txt2img_seed input")).to_have_value("-1")
    expect(page.locator("#txt2img_hr-checkbox input")).not_to_be_checked()

    dialog = open_presets(page)
    more(dialog, "Heron", "Update with current")
    expect(dialog.locator(".presets-message")).to_contain_text("what the form holds now")
    expect(row(dialog, "Heron")).to_contain_text("a boat")
    dialog.locator(".presets-message").get_by_role("button", name="Undo").click()
    expect(row(dialog, "Heron")).to_contain_text("a heron")
    more(dialog, "Heron", "Rename")
    dialog.get_by_label("New name").fill("Wading")
    dialog.get_by_label("New name").press("Enter")
    expect(row(dialog, "Wading")).to_be_visible()
    with page.expect_download() as started:
        more(dialog, "Wading", "Download JSON")
    content = json.loads(started.value.path().read_text("utf-8"))
    assert started.value.suggested_filename == "Wading.json"
    assert content[PRESET_MARK] == PRESET_VERSION
    assert (content["fields"]["steps"], content["fields"]["seed"]) == (13, "77")
    assert content["checkpoint"]["name"] == "tiny-b.safetensors"
    more(dialog, "Wading", "Delete")
    expect(row(dialog, "Wading")).to_have_count(0)
    dialog.locator(".presets-message").get_by_role("button", name="Undo").click()
    expect(row(dialog, "Wading")).to_be_visible()
    # Esc closes the dialog, and the button that opened it has the focus again.
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#txt2img_presets")).to_be_focused()


def test_a_preset_that_is_dropped_is_offered_and_a_wrong_file_is_refused(fresh_page, tmp_path):
    page = fresh_page
    page.fill(PROMPT, "as it was")
    name = "<img src=x onerror=alert(1)>"
    content = {
        PRESET_MARK: PRESET_VERSION,
        "name": name,
        "checkpoint": {"kind": "checkpoint", "name": "dreams", "hash": "0011223344"},
        "fields": {"prompt": "a shared heron", "steps": 21, "hires_scale": 3, "novelty": 1},
        "parts": {"control": {"units": []}},
    }
    (tmp_path / "gift.json").write_text(json.dumps(content))
    drop(page, tmp_path / "gift.json")
    expect(page.locator(TRAY, has_text="gift.json")).to_contain_text("was kept")
    expect(page.locator(TRAY, has_text="The checkpoint dreams is not here")).to_be_visible()
    # It is offered, not applied.
    expect(page.locator(PROMPT)).to_have_value("as it was")
    page.locator(TRAY, has_text="gift.json").get_by_role("button", name="Apply").click()
    form_shows(page, "a shared heron", 21, "tiny-")
    for words in ("dreams [0011223344] is not here", "novelty", "control"):
        expect(page.locator(SAID)).to_contain_text(words)
    page.locator(SAID).get_by_role("button", name="Put back").click()
    expect(page.locator(PROMPT)).to_have_value("as it was")

    (tmp_path / "wrong.json").write_text(json.dumps(content | {"fields": {"steps": 1e15}}))
    (tmp_path / "other.json").write_text(json.dumps({"txt2img/Steps/value": 20}))
    drop(page, tmp_path / "wrong.json", tmp_path / "other.json")
    expect(page.locator(TRAY, has_text="wrong.json")).to_contain_text("The steps is")
    expect(page.locator(TRAY, has_text="other.json")).to_contain_text("nothing that is known here")
    expect(page.locator(TRAY, has_text="other.json").get_by_role("button", name="Apply")).to_have_count(0)

    # A text that was copied somewhere comes by the same way.
    page.evaluate(
        """(text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        json.dumps(content | {"name": "Pasted"}),
    )
    expect(page.locator(TRAY, has_text="'Pasted' was kept")).to_be_visible()
    dialog = open_presets(page)
    expect(row(dialog, "Pasted")).to_be_visible()
    # Names are texts, never markup.
    expect(dialog.locator("img")).to_have_count(0)
    dialog.get_by_label("Search presets").fill("pasted")
    expect(dialog.locator(".presets-list li")).to_have_count(1)
