"""Cards, and dropping anything onto the page, through a browser beside a Civitai of the test's own."""

import base64
import json
import os
import re
import shutil
from pathlib import Path

import httpx
import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from tests.fake_sites import FakeFile, FakeSites, FakeVersion
from tests.ui import browser as steps
from tests.ui.browser import CHROMIUM, ROOT, SCREENSHOTS, opened, reloaded, wait_until_idle

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine."),
    pytest.mark.timeout(400),
]
PROMPT = "#txt2img_prompt textarea"
LORAS = "#txt2img_lora_cards .card"
TRAY = "#arrivals li"
DROP = """async ([files, link]) => {
  const transfer = new DataTransfer();
  for (const { name, type, data } of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  if (link) transfer.setData('text/uri-list', link);
  const target = document.querySelector('#txt2img_generate');
  for (const name of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(name, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def sites(golden_networks):
    with FakeSites() as sites:
        data = (golden_networks / "Lora" / "loha.safetensors").read_bytes()
        sites.add(FakeVersion(20, 2, [FakeFile("from-civitai.safetensors", data)], model_name="A cat"))
        yield sites


@pytest.fixture(scope="module")
def home(tmp_path_factory, golden_networks):
    """A LoRA for SD1 with trigger words, one for SDXL, and an embedding."""
    home = tmp_path_factory.mktemp("cards")
    loras = home / "models" / "Lora"
    (loras / "styles").mkdir(parents=True)
    shutil.copy(golden_networks / "Lora" / "lora-noalpha.safetensors", loras / "styles" / "ink.safetensors")
    shutil.copy(golden_networks / "Lora" / "locon.safetensors", loras / "second.safetensors")
    text = {"activation text": "ink drawing", "preferred weight": 0.7, "description": "Lines of ink"}
    (loras / "styles" / "ink.json").write_text(json.dumps(text), encoding="utf-8")
    large = sorted((golden_networks / "Lora-xl").glob("*.safetensors"))[0]
    shutil.copy(large, loras / "large.safetensors")
    return home


@pytest.fixture(scope="module")
def address(golden_models, home, sites, tmp_path_factory):
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    for name in ("tiny-sd15", "tiny-b"):
        for path in golden_models.glob(f"{name}.*"):
            os.link(path, checkpoints / path.name)
    program = ("-m", "tests.ui.serve_beside", sites.url, str(sites.port))
    with steps.served(home, checkpoints, program) as address:
        choice = {"sd_model_checkpoint": "tiny-sd15"}
        httpx.post(f"{address}sdapi/v1/options", json=choice).raise_for_status()
        yield address


@pytest.fixture
def page(fresh_page):
    """A fresh page with an empty prompt."""
    fresh_page.fill(PROMPT, "")
    fresh_page.fill("#txt2img_neg_prompt textarea", "")
    return fresh_page


def show_loras(page: Page) -> None:
    page.click("#txt2img_extra_tabs button[data-page=lora]")
    page.wait_for_selector(LORAS)


def drop(page: Page, *paths: Path, link: str = "") -> None:
    types = {".png": "image/png", ".csv": "text/csv"}
    files = [
        {
            "name": path.name,
            "type": types.get(path.suffix, ""),
            "data": base64.b64encode(path.read_bytes()).decode(),
        }
        for path in paths
    ]
    page.evaluate(DROP, [files, link])


def test_cards_write_themselves_into_the_prompt_and_out_again(page):
    show_loras(page)
    page.click(f"{LORAS}[data-name=ink]")
    assert page.input_value(PROMPT) == "<lora:ink:0.7> ink drawing"
    page.click(f"{LORAS}[data-name=second]")
    assert page.input_value(PROMPT) == "<lora:ink:0.7> ink drawing <lora:second:1>"
    expect(page.locator(f"{LORAS}.used")).to_have_count(2)
    page.click(f"{LORAS}[data-name=ink]")
    assert page.input_value(PROMPT) == "<lora:second:1>"


def test_cards_for_another_model_are_hidden_with_a_count_and_search_finds_by_description(page):
    show_loras(page)
    expect(page.locator(f"{LORAS}[data-name=large]")).to_have_count(0)
    fitting = page.locator("#txt2img_lora .cards-fitting")
    expect(fitting).to_contain_text("1 for other models hidden")
    fitting.click()
    expect(page.locator(f"{LORAS}[data-name=large]")).to_have_count(1)
    fitting.click()
    page.fill("#txt2img_lora_extra_search", "lines of")
    expect(page.locator(LORAS)).to_have_count(1)
    page.fill("#txt2img_lora_extra_search", "nothing like it")
    expect(page.locator("#txt2img_lora .cards-message")).to_have_text("Nothing fits that search.")
    page.fill("#txt2img_lora_extra_search", "")
    page.click("#txt2img_lora .cards-folders button[title=styles]")
    expect(page.locator(LORAS)).to_have_count(1)


def test_details_are_kept_beside_the_file_and_a_favourite_stays_one(page, home):
    show_loras(page)
    page.hover(f"{LORAS}[data-name=second]")
    page.click(f"{LORAS}[data-name=second] .icon-star")
    page.hover(f"{LORAS}[data-name=second]")
    page.click(f"{LORAS}[data-name=second] .icon-edit")
    dialog = page.locator("dialog.details")
    dialog.locator("label", has_text="Trigger words").locator("textarea").fill("two, of them")
    dialog.locator("button.primary").click()
    expect(dialog).to_have_count(0)
    page.click(f"{LORAS}[data-name=second]")
    assert page.input_value(PROMPT) == "<lora:second:1> two, of them"
    kept = json.loads((home / "models" / "Lora" / "second.json").read_text(encoding="utf-8"))
    assert kept["activation text"] == "two, of them"
    reloaded(page)
    show_loras(page)
    expect(page.locator(f"{LORAS}.favourite")).to_have_count(1)


def test_a_dropped_lora_is_filed_written_into_the_prompt_and_used(page, home, golden_networks, tmp_path):
    path = tmp_path / "dropped.safetensors"
    shutil.copy(golden_networks / "Lora" / "lokr.safetensors", path)
    drop(page, path)
    expect(page.locator(f"{TRAY}.done")).to_contain_text("dropped")
    expect(page.locator(PROMPT)).to_have_value("<lora:dropped:1>")
    assert (home / "models" / "Lora" / "dropped.safetensors").read_bytes() == path.read_bytes()
    steps.fill_form(page, "a fox <lora:dropped:1>", steps=2)
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text('Lora hashes: "dropped: ')
    wait_until_idle(page)
    drop(page, path)
    expect(page.locator(TRAY).first).to_contain_text("already")


def test_a_dropped_checkpoint_becomes_the_one_in_use(page, golden_models, tmp_path):
    path = tmp_path / "new one.safetensors"
    shutil.copy(golden_models / "tiny-sd2v.safetensors", path)
    drop(page, path)
    chosen = page.locator("#setting_sd_model_checkpoint input")
    expect(chosen).to_have_value(re.compile(r"^new one\.safetensors"))
    page.click("#txt2img_extra_tabs button[data-page=checkpoints]")
    page.click("#txt2img_checkpoints_cards .card[data-name=tiny-sd15]")
    expect(chosen).to_have_value(re.compile(r"^tiny-sd15\."))


def test_a_dropped_picture_fills_the_form_and_names_what_is_missing(page, tmp_path):
    text = "a wolf <lora:gone:1>\nSteps: 7, Sampler: Euler, CFG scale: 5, Seed: 11, Size: 72x64, "
    notes = PngImagePlugin.PngInfo()
    notes.add_text("parameters", text + 'Model: tiny-sd15, Lora hashes: "gone: 0123456789ab"')
    Image.new("RGB", (72, 64), "teal").save(tmp_path / "wolf.png", pnginfo=notes)
    drop(page, tmp_path / "wolf.png")
    expect(page.locator(PROMPT)).to_have_value("a wolf <lora:gone:1>")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")
    missing = page.locator(TRAY, has_text="gone")
    expect(missing).to_contain_text("is not here")
    expect(missing.locator("button")).to_have_text("Fetch it")


def test_a_page_that_calls_itself_a_model_is_refused_and_leaves_nothing(page, home, tmp_path):
    before = sorted(path.name for path in (home / "models").rglob("*.safetensors"))
    (tmp_path / "model.safetensors").write_text("<!DOCTYPE html><html>Log in</html>", encoding="utf-8")
    drop(page, tmp_path / "model.safetensors")
    expect(page.locator(f"{TRAY}.failed")).to_contain_text("model.safetensors")
    assert sorted(path.name for path in (home / "models").rglob("*.safetensors")) == before


def test_a_dropped_civitai_link_is_fetched_filed_and_written_into_the_prompt(page, home, sites):
    drop(page, link="https://civitai.com/models/2?modelVersionId=20")
    expect(page.locator(f"{TRAY}.done")).to_contain_text("from-civitai")
    expect(page.locator(PROMPT)).to_have_value("<lora:from-civitai:1> catword")
    assert (home / "models" / "Lora" / "from-civitai.safetensors").exists()
    drop(page, link="https://civitai.com/models/404404")
    expect(page.locator(f"{TRAY}.failed")).to_contain_text("Civitai")


def test_civitai_is_searched_within_the_page_and_what_is_found_is_fetched(page, home, sites, golden_networks):
    data = (golden_networks / "Lora" / "lora-te.safetensors").read_bytes()
    sites.add(FakeVersion(30, 3, [FakeFile("searched.safetensors", data)], model_name="Searched"))
    show_loras(page)
    asked = len(sites.seen)
    page.click("#txt2img_lora button[title='Search Civitai']")
    assert len(sites.seen) == asked
    page.click("dialog .found-form button.primary")
    found = page.locator("dialog .found", has_text="Searched")
    found.locator("button").click()
    expect(page.locator(f"{TRAY}.done")).to_contain_text("searched")
    assert (home / "models" / "Lora" / "searched.safetensors").exists()


@pytest.mark.skipif(SCREENSHOTS is None, reason="Say where to: SCREENSHOTS=docs/screenshots.")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_picture_is_taken(chromium, address, width):
    page = opened(chromium, address, width=width, height=900, dark=width > 600)
    show_loras(page)
    page.click(f"{LORAS}[data-name=ink]")
    page.locator("#txt2img_lora").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.screenshot(path=ROOT / str(SCREENSHOTS) / f"cards-{width}.png")
    # Nothing sticks out at the side, on a phone neither.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
