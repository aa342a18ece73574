"""The tab "Train" in a browser: pictures and captions, a run from drop to prompt, stop and resume, looks."""

import base64
import io
import re

import httpx
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.ui import browser as steps
from tests.ui.auditor import LOOKS, TWO, Auditor, set_look

pytestmark = pytest.mark.timeout(600)
COUNT = 12
# Until a run has read its pictures, made its first samples and learned a little, on a busy machine.
RUN_MS = 300_000
STEP = "Number(document.querySelector('#ti_progress').getAttribute('aria-valuenow'))"
# A path with more than one point.
LINE = re.compile(r"M.*L")
# A script that drops files on the tab as a hand does.
DROP = """async (files) => {
  const transfer = new DataTransfer();
  for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  const target = document.querySelector('.train-desk');
  for (const name of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(name, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


def draw_picture(number: int) -> bytes:
    """A house that no other picture shows in just this place, as a PNG."""
    picture = Image.new("RGB", (96, 96), (40 + 12 * number, 120, 160))
    left, top = 8 + 4 * number, 60 - 3 * number
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left, top, left + 26, top + 22), fill=(200, 60, 40))
    draw.polygon((left - 4, top, left + 13, top - 14, left + 30, top), fill=(90, 30 + 10 * number, 40))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def draw_files(stem: str, captions: dict[int, str]) -> list[tuple[str, str, bytes]]:
    """Pictures, and captions of some of them: names, types, bytes."""
    pictures = [(f"{stem}-{at + 1}.png", "image/png", draw_picture(at)) for at in range(COUNT)]
    texts = [(f"{stem}-{at + 1}.txt", "text/plain", text.encode()) for at, text in captions.items()]
    return [*pictures, *texts]


def drop(page: Page, files: list[tuple[str, str, bytes]]) -> None:
    page.evaluate(DROP, [[name, kind, base64.b64encode(data).decode()] for name, kind, data in files])


def make_data_set(address: str, name: str, captions: dict[int, str]) -> None:
    """A data set, without a hand."""
    httpx.post(f"{address}v1/datasets", json={"name": name}, timeout=steps.PATIENCE_S).raise_for_status()
    files = [("files", (file, data, kind)) for file, kind, data in draw_files("p", captions)]
    httpx.post(f"{address}v1/datasets/{name}/files", files=files, timeout=60).raise_for_status()


def captions_of(address: str, name: str) -> dict[str, str]:
    answer = httpx.get(f"{address}v1/datasets/{name}", timeout=60).raise_for_status().json()
    return {each["file"]: each["caption"] for each in answer["examples"]}


def open_tab(page: Page) -> None:
    page.click("#tab_train-button")
    page.wait_for_selector("#train_place[data-ready]")


def state(page: Page):
    return page.locator(".train-run-head .train-state")


def choose_data_set(page: Page, name: str) -> None:
    page.get_by_label("Data set").select_option(name)
    expect(page.locator(".train-example")).to_have_count(COUNT)


def forget_runs(address: str) -> None:
    """Nothing trains when the next test begins."""
    for run in httpx.get(f"{address}v1/training", timeout=steps.PATIENCE_S).raise_for_status().json()["runs"]:
        if run["state"] in ("running", "queued", "paused"):
            httpx.post(f"{address}v1/training/{run['name']}/stop", timeout=60).raise_for_status()


def test_twelve_dropped_pictures_become_a_lora_in_the_prompt(fresh_page, address, home):
    page = fresh_page
    open_tab(page)
    expect(page.get_by_text("Drop 10 to 20 pictures of what it shall learn", exact=True)).to_be_visible()
    drop(page, [*draw_files("chalet", {}), ("broken.png", "image/png", b"no picture")])
    expect(page.locator(".train-example")).to_have_count(COUNT)
    expect(page.locator(".train-desk .train-notice")).to_contain_text("Left out: broken.png")
    drop(page, [("chalet-1.txt", "text/plain", b"a red chalet")])
    expect(page.get_by_label("Caption of chalet-1.png")).to_have_value("a red chalet")
    name, trigger = page.input_value("#train_name"), page.input_value("#train_trigger")
    assert name and trigger
    page.locator(".train-goal", has_text="Object").click()
    expect(page.locator(".train-plan")).to_contain_text("12 pictures")
    page.click("#train_train")
    expect(page.locator(".train-run-head h2")).to_have_text(name)
    expect(page.locator(".train-meanwhile")).to_contain_text("You can make pictures meanwhile")
    # All steps of the preset take minutes on a busy machine; what is stopped is saved, and can be used.
    page.wait_for_function(f"{STEP} >= 3", timeout=RUN_MS)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(state(page)).to_have_text("Stopped")
    check_plots_and_strips(page)
    page.get_by_role("button", name="Best: step").first.click()
    expect(page.get_by_role("button", name="Best: step").first).to_have_attribute("aria-pressed", "true")
    page.evaluate("webui.showTab('txt2img')")
    page.fill("#txt2img_prompt textarea", "a hill")
    open_tab(page)
    page.locator(".train-checkpoints").get_by_role("button", name="Use in txt2img").first.click()
    prompt = page.locator("#txt2img_prompt textarea")
    expect(prompt).to_be_visible()
    expect(prompt).to_have_value(f"a hill, {trigger} <lora:{name}:1>")
    expect(page.locator("#txt2img_put_back")).to_contain_text("now in the prompt")
    assert (home / "models" / "Lora" / f"{name}.safetensors").exists()
    for field, value in (("steps", 2), ("width", 64), ("height", 64)):
        steps.set_number(page, f"txt2img_{field}", value)
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Lora hashes")


def check_plots_and_strips(page: Page) -> None:
    """Both plots and the samples are to be seen, wide and narrow, and read values."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for plot in page.locator(".train-plot svg").all():
            expect(plot.locator("path.curve").first).to_have_attribute("d", LINE)
            assert within(page, plot, width)
        strip = page.locator(".train-strips td button").first
        strip.scroll_into_view_if_needed()
        expect(strip.locator("img")).to_be_visible()
        page.wait_for_function("document.querySelector('.train-strips td img').naturalWidth > 0")
        assert within(page, page.locator(".train-strips-scroll"), width)
    page.set_viewport_size({"width": 1440, "height": 900})
    loss = page.get_by_role("slider", name="Loss: step to read")
    loss.focus()
    page.keyboard.press("Home")
    expect(page.locator(".train-reading").first).to_contain_text("Step 1:")
    page.get_by_label("Log scale").check()
    expect(loss.locator("path.curve").first).to_be_visible()
    page.locator(".train-strips td button").first.click()
    dialog = page.get_by_role("dialog", name="Sample")
    expect(dialog.locator("img")).to_be_visible()
    page.keyboard.press("Escape")


def within(page: Page, element, width: int) -> bool:
    """Whether it takes part of the page's width, and not more."""
    box = element.bounding_box()
    return box is not None and box["width"] > 100 and box["x"] >= 0 and box["x"] + box["width"] <= width


def test_captions_are_saved_as_the_field_is_left_changed_together_and_put_back(fresh_page, address):
    page = fresh_page
    make_data_set(address, "edited", {0: "chalet, snow", 1: "chalet, snow, night", 2: "chalet"})
    before = captions_of(address, "edited")
    open_tab(page)
    choose_data_set(page, "edited")
    field = page.get_by_label("Caption of p-4.png")
    field.fill("chalet, lake")
    field.press("Control+Enter")
    expect(page.get_by_label("Caption of p-5.png")).to_be_focused()
    lake = page.locator(".train-chip", has_text="lake")
    expect(lake).to_be_visible()
    assert captions_of(address, "edited")["p-4.png"] == "chalet, lake"
    page.locator(".train-chip", has_text="snow").click()
    expect(page.locator(".train-example:visible")).to_have_count(2)
    expect(page.locator(".train-target")).to_have_text("in the 2 shown")
    page.get_by_label("Other words").fill("deep snow")
    page.get_by_role("button", name="Replace with").click()
    notice = page.locator(".train-desk .train-notice")
    expect(notice).to_contain_text("2 captions changed.")
    assert captions_of(address, "edited")["p-2.png"] == "chalet, deep snow, night"
    notice.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Caption of p-2.png")).to_have_value("chalet, snow, night")
    page.get_by_label("Choose p-3.png").check()
    expect(page.locator(".train-target")).to_have_text("in 1 chosen")
    page.get_by_label("Tag or words").fill("at dusk")
    page.get_by_role("button", name="Put last").click()
    expect(page.get_by_label("Caption of p-3.png")).to_have_value("chalet, at dusk")
    undo = page.locator(".train-tools").get_by_role("button", name="Undo")
    undo.click()
    expect(page.get_by_label("Caption of p-3.png")).to_have_value("chalet")
    undo.click()
    expect(page.get_by_label("Caption of p-4.png")).to_have_value("")
    assert captions_of(address, "edited") == before
    page.get_by_role("button", name="Remove p-12.png").click()
    expect(page.locator(".train-example")).to_have_count(COUNT - 1)
    page.locator(".train-desk .train-notice").get_by_role("button", name="Undo").click()
    expect(page.locator(".train-example")).to_have_count(COUNT)
    page.get_by_label("Look at p-1.png").click()
    expect(page.get_by_role("dialog").locator("figcaption").last).to_contain_text("Training sees this part")
    page.keyboard.press("Escape")
    steps.reloaded(page)
    open_tab(page)
    expect(page.locator(".train-example")).to_have_count(COUNT)


def test_a_run_is_stopped_outlives_a_reload_and_is_resumed(fresh_page, address):
    page = fresh_page
    make_data_set(address, "stopped", {0: "chalet"})
    open_tab(page)
    choose_data_set(page, "stopped")
    set_field(page, "Learning", "train_steps", "100000")
    expect(page.locator("#train_all_settings > summary")).to_contain_text("1 changed")
    page.click("#train_train")
    expect(state(page)).to_have_text("Training")
    wait_for_step(page, 3)
    steps.reloaded(page)
    open_tab(page)
    expect(page.locator(".train-run-head h2")).to_have_text("stopped")
    expect(state(page)).to_have_text("Training")
    expect(page.locator(".train-plot path.curve.raw")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(state(page)).to_have_text("Stopped")
    stopped_at = step_of(page)
    steps.reloaded(page)
    open_tab(page)
    page.get_by_role("button", name="Resume").click()
    expect(state(page)).to_have_text("Training")
    wait_for_step(page, stopped_at + 1)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(state(page)).to_have_text("Stopped")
    page.get_by_role("button", name="Change and train again").click()
    expect(page.locator("#train_steps")).to_have_value("100000")
    expect(page.locator(".train-example")).to_have_count(COUNT)
    folds = "document.querySelectorAll('#train_all_settings, #train_all_settings details')"
    page.evaluate(f"{folds}.forEach(each => (each.open = true))")
    reset = page.get_by_role("button", name="Back to the preset's steps")
    reset.click()
    expect(reset).to_be_hidden()


def set_field(page: Page, section: str, field: str, value: str) -> None:
    """Type into one of all settings."""
    page.locator("#train_all_settings > summary").click()
    page.locator(f"[data-section='{section}'] > summary").click()
    page.fill(f"#{field}", value)
    page.press(f"#{field}", "Tab")


def step_of(page: Page) -> int:
    return int(page.get_attribute("#ti_progress", "aria-valuenow") or 0)


def wait_for_step(page: Page, step: int) -> None:
    page.wait_for_function(f"least => {STEP} >= least", arg=step, timeout=RUN_MS)


def test_refusals_are_sentences_and_axe_finds_nothing_serious(fresh_page, address):
    page = fresh_page
    make_data_set(address, "audited", {0: "chalet, snow", 1: "chalet"})
    open_tab(page)
    auditor = Auditor(page)
    page.get_by_label("Data set").select_option("")
    page.get_by_role("tab", name="New training").click()
    auditor.look("no pictures", "#tab_train", LOOKS)
    page.click("#train_train")
    expect(page.locator(".train-foot .train-notice")).to_contain_text("Drop 10 to 20 pictures")
    page.get_by_role("button", name="Name a folder on the server").click()
    dialog = page.get_by_role("dialog", name="Name a folder")
    dialog.get_by_role("textbox").fill("/no/such/folder")
    errors = list(page.complaints.errors)
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog.locator(".notice-box.error")).to_be_visible()
    auditor.look("a refusal", "dialog[open]")
    page.keyboard.press("Escape")
    # A refused request is in the console; it is not the page's fault.
    page.complaints.errors[:] = errors
    set_look(page, dark=False, width=1440)
    choose_data_set(page, "audited")
    page.locator("#train_all_settings > summary").click()
    auditor.look("pictures and all settings", "#tab_train", LOOKS)
    page.get_by_label("Look at p-1.png").click()
    auditor.look("a cut", "dialog[open]")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Write captions").click()
    auditor.look("captioners", "dialog[open]")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Runs").click()
    auditor.look("runs", "#tab_train", TWO)
    assert not auditor.found, "\n".join(auditor.found)


@pytest.fixture(autouse=True)
def nothing_trains_on(address):
    yield
    forget_runs(address)
