"""Cards, and dropping anything onto the page, through a browser beside a Civitai of the test's own."""

import json
import os
import re
import shutil

import httpx
import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Locator, Page, expect

from tests.arriving_files import embedding, picture
from tests.fake_sites import FakeFile, FakeSites, FakeVersion
from tests.ui import browser as steps
from tests.ui.browser import PATIENCE_S, ROOT, SCREENSHOTS, drop, opened, reloaded, wait_until_idle

pytestmark = pytest.mark.timeout(400)
PICTURE = picture(None, (60, 80))
PROMPT = "#txt2img_prompt textarea"
LORAS = "#txt2img_lora_cards .card"
TRAY = "#arrivals li"


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
    (home / "embeddings").mkdir()
    (home / "embeddings" / "ugly.safetensors").write_bytes(embedding())
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
        httpx.post(f"{address}sdapi/v1/options", json=choice, timeout=PATIENCE_S).raise_for_status()
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


def civitai(page: Page, words: str) -> None:
    """Choose something from the list below "Civitai"."""
    page.click("#txt2img_lora .opens-menu")
    page.locator("#txt2img_lora [role=menuitem]", has_text=words).click()


def no_dialog(page: Page) -> None:
    """Until the one before has gone: it is there a moment longer than one sees it."""
    expect(page.locator("dialog")).to_have_count(0)


def details(page: Page, stem: str, cards: str = LORAS) -> Locator:
    """Open the details of a card."""
    no_dialog(page)
    page.hover(f"{cards}[data-name='{stem}']")
    page.click(f"{cards}[data-name='{stem}'] .icon-edit")
    dialog = page.locator("dialog.details")
    expect(dialog.locator("button.primary")).to_be_visible()
    return dialog


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
    civitai(page, "Search")
    assert len(sites.seen) == asked
    page.click("dialog .found-form button.primary")
    found = page.locator("dialog .found", has_text="Searched")
    found.locator("button").click()
    expect(page.locator(f"{TRAY}.done")).to_contain_text("searched")
    assert (home / "models" / "Lora" / "searched.safetensors").exists()


def discard(page: Page, stem: str) -> None:
    """Move a card's file to the trash."""
    dialog = details(page, stem)
    dialog.locator("button", has_text="Move to the trash").click()
    dialog.locator("button", has_text="Move it anyway").click()
    expect(page.locator(f"{LORAS}[data-name={stem}]")).to_have_count(0)
    no_dialog(page)


def test_a_deleted_file_comes_back_with_undo_and_from_the_trash(page, home):
    path = home / "models" / "Lora" / "second.safetensors"
    show_loras(page)
    discard(page, "second")
    assert not path.exists()
    note = page.locator("#txt2img_lora .cards-message")
    expect(note).to_contain_text("second.safetensors is in the trash.")
    note.locator("button").click()
    expect(page.locator(f"{LORAS}[data-name=second]")).to_have_count(1)
    assert path.exists()
    discard(page, "second")
    trash = page.locator("#txt2img_lora .cards-toolbar button", has_text="Trash")
    expect(trash).to_have_text("Trash 1")
    trash.click()
    row = page.locator(".trash-list li")
    expect(row).to_contain_text("second.safetensors")
    row.locator("button", has_text="Restore").click()
    expect(page.locator("dialog .hint").first).to_contain_text("Nothing here")
    page.keyboard.press("Escape")
    expect(trash).to_have_text("Trash")
    expect(page.locator(f"{LORAS}[data-name=second]")).to_have_count(1)
    assert path.exists()


def test_the_trash_is_emptied_only_after_a_question_that_tells_how_much(page, home, golden_networks):
    shutil.copy(golden_networks / "Lora" / "ia3.safetensors", home / "models" / "Lora" / "gone.safetensors")
    show_loras(page)
    page.click("#txt2img_lora_extra_refresh")
    discard(page, "gone")
    page.locator("#txt2img_lora .cards-toolbar button", has_text="Trash").click()
    expect(page.locator(".trash-list li")).to_have_count(1)
    empty = page.locator("dialog:not(.narrow) button", has_text="Empty the trash")
    empty.click()
    question = page.locator("dialog.narrow")
    expect(question).to_contain_text("1 file will be deleted for good, which frees")
    question.locator("button", has_text="Keep them").click()
    # Its answers have the names of the dialog's own buttons as long as it is there.
    expect(question).to_have_count(0)
    expect(page.locator(".trash-list li")).to_have_count(1)
    empty.click()
    question.locator("button", has_text="Empty the trash").click()
    expect(page.locator(".trash-list li")).to_have_count(0)


def test_cards_are_filled_and_newer_versions_found_for_the_whole_list(page, home, sites, golden_networks):
    loras = home / "models" / "Lora"
    shutil.copy(golden_networks / "Lora" / "lora-te.safetensors", loras / "older.safetensors")
    data = (loras / "older.safetensors").read_bytes()
    newer = (golden_networks / "Lora" / "dora.safetensors").read_bytes()
    sites.pictures["p.png"] = PICTURE
    old = FakeVersion(40, 4, [FakeFile("a.safetensors", data)], words=("olderword",), images=(("p.png", 1),))
    sites.add(old)
    sites.add(FakeVersion(41, 4, [FakeFile("newer.safetensors", newer)], name="v2.0"))
    show_loras(page)
    page.click("#txt2img_lora_extra_refresh")
    card = page.locator(f"{LORAS}[data-name=older]")
    expect(card.locator(".stand-in")).to_have_count(1)
    page.fill("#txt2img_lora_extra_search", "older")
    civitai(page, "Fetch previews")
    expect(page.locator(f"{TRAY}.done")).to_contain_text("1 card filled from Civitai.")
    expect(card.locator("img.preview")).to_have_count(1)
    civitai(page, "Look for updates")
    expect(page.locator(f"{TRAY}.done").first).to_contain_text("1 card has a newer version on Civitai.")
    expect(card.locator(".newer")).to_have_text("New version")
    dialog = details(page, "older")
    expect(dialog.locator(".details-newer")).to_contain_text("v2.0, of May 4, 2026")
    dialog.locator(".details-newer button").click()
    page.keyboard.press("Escape")
    expect(page.locator(TRAY, has_text="newer.safetensors")).to_contain_text("Filed in Lora")
    expect(card.locator(".newer")).to_have_count(0)
    assert (loras / "older.safetensors").read_bytes() == data


def test_an_unreachable_civitai_is_told_in_a_sentence(page, sites):
    sites.behave("by-hash", lambda handler: handler.reply(401, {"error": "no"}), times=2)
    show_loras(page)
    page.fill("#txt2img_lora_extra_search", "ink")
    civitai(page, "Look for updates")
    expect(page.locator(TRAY).first).to_contain_text("Make an API key there")


def test_keys_are_kept_told_of_and_removed_for_both_sites(page, home):
    show_loras(page)
    civitai(page, "Keys")
    for site in ("civitai", "huggingface"):
        row = page.locator(f"dialog .key-row[data-site={site}]")
        expect(row).to_contain_text("No key.")
        row.locator("input").fill(f"secret-{site}")
        row.locator("input").press("Enter")
        expect(row).to_contain_text("A key is stored.")
        assert row.locator("input").input_value() == ""
    (path,) = home.rglob("keys.json")
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "civitai": "secret-civitai",
        "huggingface": "secret-huggingface",
    }
    page.keyboard.press("Escape")
    page.click("#tabs > .tab-nav > button:has-text('Settings')")
    for site in ("civitai", "huggingface"):
        row = page.locator(f"#settings .key-row[data-site={site}]")
        expect(row).to_contain_text("A key is stored.")
        row.locator("button", has_text="Remove").click()
        expect(row).to_contain_text("No key.")


def test_an_embedding_goes_where_the_artist_was_last_and_out_again(page):
    page.click("#txt2img_extra_tabs button[data-page=textual_inversion]")
    card = page.locator("#txt2img_textual_inversion_cards .card[data-name=ugly]")
    for field in ("#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"):
        page.focus(field)
        card.click()
        assert page.input_value(field) == "ugly"
        expect(card).to_have_class(re.compile("used"))
        card.click()
        assert page.input_value(field) == ""


def test_the_keyboard_alone_opens_leaves_and_keeps_details(page):
    show_loras(page)
    card = page.locator(f"{LORAS}[data-name=ink]")
    card.locator(".card-use").focus()
    page.keyboard.press("Enter")
    assert page.input_value(PROMPT) == "<lora:ink:0.7> ink drawing"
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.details")
    notes = dialog.locator("label", has_text="Notes").locator("textarea")
    notes.fill("typed and not saved")
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text("unsaved changes")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_function("document.activeElement.closest('.card')?.dataset.name === 'ink'")
    page.keyboard.press("Enter")
    notes.fill("kept")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_have_count(0)
    page.wait_for_function("document.activeElement.closest('.card')?.dataset.name === 'ink'")


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
