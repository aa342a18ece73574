"""Nothing typed is ever lost: undo in the prompts, forms that are put back, numbers; in a browser."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo as Texts
from playwright.sync_api import Page, expect

from tests.ui import browser as steps

PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
# A script that tells whether the fields of the form are these.
IS_KEPT = """fields => {
  const kept = JSON.parse(localStorage['atelier.txt2img']);
  const isKept = ([name, value]) => JSON.stringify(kept[name]) === JSON.stringify(value);
  return Object.entries(fields).every(isKept);
}"""
Act = Callable[[Page, int], None]
TEXT = (
    "a fox in snow\nNegative prompt: blurry\nSteps: 33, Sampler: Euler a, Schedule type: Karras, "
    "CFG scale: 4.5, Seed: 77, Size: 256x320, "
    "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory, golden_networks):
    """A LoRA for SD1, and one beside the models for SDXL."""
    home = tmp_path_factory.mktemp("typed")
    loras = home / "models" / "Lora"
    loras.mkdir(parents=True)
    shutil.copy(golden_networks / "Lora" / "locon.safetensors", loras / "glow.safetensors")
    large = sorted((golden_networks / "Lora-xl").glob("*.safetensors"))[0]
    shutil.copy(large, home / "large.safetensors")
    return home


@pytest.fixture(scope="module")
def address(golden_models, home):
    with steps.served(home, golden_models) as address:
        options = {"sd_model_checkpoint": "tiny-sd15"}
        httpx.post(f"{address}sdapi/v1/options", json=options, timeout=steps.PATIENCE_S).raise_for_status()
        yield address


def kept(page: Page) -> dict[str, object]:
    """The fields of the form as Gradio last told them."""
    return json.loads(page.evaluate("localStorage.getItem('atelier.txt2img')"))


def made_picture(folder: Path, infotext: str) -> Path:
    texts, path = Texts(), folder / "fox.png"
    texts.add_text("parameters", infotext)
    Image.new("RGB", (64, 64), "orange").save(path, pnginfo=texts)
    return path


def prompts(page: Page) -> tuple[str, str]:
    return page.input_value(PROMPT), page.input_value(NEGATIVE)


def type_words(page: Page, at: int) -> None:
    page.locator(PROMPT).focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(f", word{at}")


def erase(page: Page, at: int) -> None:
    page.locator(PROMPT).focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Delete")


def weigh(page: Page, at: int) -> None:
    page.locator(PROMPT).focus()
    page.keyboard.press("Control+End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+ArrowUp" if at % 2 else "Control+ArrowDown")


def click_card(page: Page, at: int) -> None:
    page.locator("#txt2img_lora_cards .card", has_text="glow").click()


def drop_picture(page: Page, folder: Path, at: int) -> None:
    steps.drop(
        page, made_picture(folder, f"a fox, number {at}\nNegative prompt: blurry {at}\nSteps: {at + 1}")
    )
    expect(page.locator(PROMPT)).to_have_value(f"a fox, number {at}")


def clear(page: Page, at: int) -> None:
    page.click("#txt2img_clear_prompt")
    expect(page.locator(PROMPT)).to_have_value("")


def test_thirty_steps_back_and_again_end_exactly_where_they_were(fresh_page, tmp_path):
    page = fresh_page
    page.click("#txt2img_extra_tabs button[data-page=lora]")
    page.locator("#txt2img_lora_cards .card", has_text="glow").wait_for()
    page.fill(PROMPT, "a red balloon")
    acts: list[Act] = [
        type_words,
        weigh,
        click_card,
        erase,
        lambda page, at: drop_picture(page, tmp_path, at),
        type_words,
        click_card,
        clear,
    ]
    shown = [page.input_value(PROMPT)]
    for at in range(32):
        acts[at % len(acts)](page, at)
        shown.append(page.input_value(PROMPT))
        assert shown[-1] != shown[-2]
    page.locator(PROMPT).focus()
    for before in reversed(shown[-31:-1]):
        page.keyboard.press("Control+z")
        expect(page.locator(PROMPT)).to_have_value(before)
    for after in shown[-30:]:
        page.keyboard.press("Control+y")
        expect(page.locator(PROMPT)).to_have_value(after)
    # What Gradio knows is what stands there.
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "text => JSON.parse(localStorage['atelier.txt2img']).prompt === text", arg=shown[-2]
    )


def test_what_fills_or_clears_the_form_says_so_and_can_be_put_back(fresh_page, tmp_path):
    page, said = fresh_page, fresh_page.locator("#txt2img_put_back")
    page.fill(PROMPT, "precious words")
    page.fill(NEGATIVE, "bad words")
    page.locator(NEGATIVE).blur()
    page.wait_for_function("JSON.parse(localStorage['atelier.txt2img']).negative_prompt === 'bad words'")
    before = kept(page)
    steps.drop(page, made_picture(tmp_path, TEXT))
    expect(said).to_contain_text("Filled prompt, seed and ")
    expect(said).to_contain_text("more fields from fox.png.")
    expect(page.locator("#arrivals")).to_contain_text("Filled prompt, seed and")
    assert prompts(page) == ("a fox in snow", "blurry")
    said.get_by_role("button", name="Put back").click()
    expect(said).to_contain_text("Put back prompt, seed and")
    assert prompts(page) == ("precious words", "bad words")
    page.wait_for_function(IS_KEPT, arg=before)
    said.get_by_role("button", name="Redo").click()
    expect(page.locator(PROMPT)).to_have_value("a fox in snow")
    expect(said.get_by_role("button", name="Put back")).to_be_enabled()

    # The bin: undone by its notice, and from where the focus is after the click.
    page.click("#txt2img_clear_prompt")
    expect(said).to_contain_text("Cleared prompt and negative prompt.")
    said.get_by_role("button", name="Put back").click()
    expect(said).to_contain_text("Put back prompt and negative prompt.")
    assert prompts(page) == ("a fox in snow", "blurry")
    page.click("#txt2img_clear_prompt")
    expect(page.locator(NEGATIVE)).to_have_value("")
    page.keyboard.press("Control+z")
    assert prompts(page) == ("a fox in snow", "blurry")
    said.get_by_role("button", name="OK").click()
    expect(said).to_be_hidden()

    # The arrow, and PNG Info.
    page.fill(PROMPT, TEXT.replace("snow", "rain"))
    page.click("#paste")
    expect(said).to_contain_text("Filled prompt")
    said.get_by_role("button", name="Put back").click()
    expect(page.locator(PROMPT)).to_have_value(TEXT.replace("snow", "rain"))
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", tmp_path / "fox.png")
    page.click("#img2img_tab")
    filled = page.locator("#img2img_put_back")
    expect(filled).to_contain_text("from PNG Info.")
    filled.get_by_role("button", name="Put back").click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("")


def test_a_wrong_number_is_put_right_beside_its_field_and_never_reaches_the_server(fresh_page):
    page, note = fresh_page, fresh_page.locator("#field_note")
    steps.set_number(page, "txt2img_width", 320)
    for field, typed, becomes, words in (
        ("txt2img_width", "", "320", "A number is needed; back to 320"),
        ("txt2img_width", "257", "256", "Sizes go in steps of 8; set to 256"),
        ("txt2img_width", "99999", "2048", "2048 is the largest; set to 2048"),
        ("txt2img_steps", "0", "1", "1 is the smallest; set to 1"),
        ("txt2img_steps", "12.6", "13", "Whole numbers only; set to 13"),
        ("txt2img_cfg_scale", "", "7", "A number is needed; back to 7"),
    ):
        box = page.locator(f"#{field} input[type=number]")
        box.fill(typed)
        box.press("Tab")
        expect(box).to_have_value(becomes)
        expect(note).to_have_text(words)
    seed = page.locator("#txt2img_seed input")
    for typed, becomes in ((" 12 34", "1234"), ("12,34", "1234"), ("-1", "-1")):
        seed.fill(typed)
        seed.press("Tab")
        expect(seed).to_have_value(becomes)
    for typed in ("abc", "3.7"):
        seed.fill(typed)
        expect(note).to_contain_text("A seed is a whole number, or -1")
        expect(seed).to_have_attribute("aria-invalid", "true")
        seed.press("Tab")
        expect(seed).to_have_value("-1")
    # Boxes without a slider: how far they go, and that they take whole numbers, comes from the server.
    page.click("#tab_settings-button")
    for field, typed, becomes in (
        ("memory_budget_gb", "-5", "0"),
        ("memory_budget_gb", "", "0"),
        ("memory_budget_gb", "3.5", "3.5"),
        ("ESRGAN_tile", "12.5", "13"),
    ):
        box = page.locator(f"#setting_{field} input")
        box.fill(typed)
        box.press("Tab")
        expect(box).to_have_value(becomes)
    page.click("#tab_txt2img-button")
    page.get_by_role("dialog").get_by_text("Discard").click()
    # Generate, pressed by its key in the middle of typing: what it sends is what the fields show.
    page.fill(PROMPT, "a fox (not closed")
    expect(page.locator("#txt2img_token_counter")).to_contain_text("bracket not closed")
    steps.set_number(page, "txt2img_height", 64)
    for typed, becomes in (("", 64), ("60", 64)):
        steps.set_number(page, "txt2img_width", 64)
        page.locator("#txt2img_width input[type=number]").fill(typed)
        with page.expect_request(lambda request: "a fox (not closed" in (request.post_data or "")) as sent:
            page.keyboard.press("Control+Enter")
        assert sent.value.post_data_json["data"].count(None) == 0
        assert sent.value.post_data_json["data"].count(becomes) == 2, "width and height"
        expect(page.locator("#txt2img_width input[type=number]")).to_have_value(str(becomes))
    steps.wait_until_idle(page)


def test_a_lora_that_does_not_fit_or_is_thrown_away_is_told_where_it_stands(fresh_page, home):
    page, tray = fresh_page, fresh_page.locator("#arrivals")
    page.fill(PROMPT, "a fox")
    steps.drop(page, home / "large.safetensors")
    expect(tray).to_contain_text(
        "It is for SDXL, but the selected checkpoint, tiny-sd15.safetensors, is SD1."
    )
    expect(tray).to_contain_text("So it was not written into the prompt.")
    assert page.input_value(PROMPT) == "a fox"
    tray.get_by_role("button", name="Show card").click()
    card = page.locator("#txt2img_lora_cards .card", has_text="large")
    card.wait_for()
    tray.get_by_role("button", name="Insert anyway").click()
    assert page.input_value(PROMPT) == "a fox <lora:lora-xl:1>"
    expect(card).to_have_class("card used")
    card.get_by_title("Details, trigger words, preview").click()
    page.click("dialog .danger")
    page.get_by_role("button", name="Move it anyway").click()
    page.locator("#txt2img_lora").get_by_role("button", name="Remove it from the prompt").click()
    expect(page.locator(PROMPT)).to_have_value("a fox")
    page.locator(PROMPT).focus()
    page.keyboard.press("Control+z")
    expect(page.locator(PROMPT)).to_have_value("a fox <lora:lora-xl:1>")
