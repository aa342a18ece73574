"""Pictures of other programs, dropped on the page: the form is filled, and what is not understood is said."""

import json

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import expect

from tests.foreign_recipes import EXAMPLES
from tests.store.texts.test_hidden_text import hide
from tests.ui.browser import drop

pytestmark = pytest.mark.timeout(400)
PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
NOTICE = "#txt2img_notice .notice-box"


def save(path, items):
    notes = PngImagePlugin.PngInfo()
    for name, text in items.items():
        notes.add_text(name, text)
    Image.new("RGB", (64, 64), "teal").save(path, pnginfo=notes)
    return path


def number(page, name):
    return page.locator(f"#txt2img_{name} input[type=number]")


def test_a_picture_by_comfyui_fills_the_form(fresh_page, tmp_path):
    page, items = fresh_page, dict(EXAMPLES["comfyui"].items)
    items["prompt"] = items["prompt"].replace("dpmpp_2m_sde_gpu", "heunpp2")
    page.evaluate("webui.showTab('txt2img')")
    drop(page, save(tmp_path / "comfy.png", items))
    expect(page.locator(PROMPT)).to_have_value("a hill, good <lora:ink:0.7>")
    expect(page.locator(NEGATIVE)).to_have_value("fog")
    expect(number(page, "width")).to_have_value("832")
    expect(page.locator(NOTICE)).to_contain_text("There is no sampler 'heunpp2' here.")


def test_a_graph_whose_prompt_is_not_understood_leaves_what_was_typed(fresh_page, tmp_path):
    page, items = fresh_page, dict(EXAMPLES["comfyui"].items)
    graph = json.loads(items["prompt"])
    graph["6"] = {"class_type": "Prompt Mixer", "inputs": {"mix": 1}}
    page.fill(PROMPT, "my own words")
    drop(page, save(tmp_path / "mixed.png", items | {"prompt": json.dumps(graph)}))
    expect(page.locator(NEGATIVE)).to_have_value("fog")
    expect(page.locator(PROMPT)).to_have_value("my own words")
    expect(page.locator(NOTICE)).to_contain_text("Prompt Mixer")


def test_what_novelai_hides_in_alpha_fills_the_form(fresh_page, tmp_path):
    page, path = fresh_page, tmp_path / "hidden.png"
    path.write_bytes(hide(json.dumps(EXAMPLES["novelai"].items), b"stealth_pngcomp", (64, 64)))
    drop(page, path)
    expect(page.locator(PROMPT)).to_have_value("a hill")
    expect(page.locator(NEGATIVE)).to_have_value("fog")
    expect(number(page, "steps")).to_have_value("28")
    expect(page.locator("#txt2img_seed input")).to_have_value("7")


def test_a_picture_by_fooocus_fills_the_form_from_pnginfo(fresh_page, tmp_path):
    page = fresh_page
    page.evaluate("webui.showTab('pnginfo')")
    log = EXAMPLES["fooocus-log"].items["Comment"]
    page.set_input_files("#pnginfo_image input[type=file]", save(tmp_path / "f.png", {"parameters": log}))
    expect(page.locator("#pnginfo_html .notice-box")).to_contain_text("There is no schedule 'turbo' here.")
    page.click("#txt2img_tab")
    expect(page.locator(PROMPT)).to_have_value("a hill")
    expect(number(page, "steps")).to_have_value("60")
    expect(page.locator(NOTICE)).to_contain_text("There is no schedule 'turbo' here.")
