"""The img2img tab through a browser: painting, keeping, sending, generating."""

import hashlib
import io
import itertools
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.browser import PATIENCE_S, SCREENSHOTS, fill_form, opened, reloaded, set_number, wait_until_idle

pytestmark = pytest.mark.timeout(400)
# Nothing here takes long.
PATIENCE_MS = 30_000
INPAINT, SKETCH = "img2maskimg", "img2img_sketch"
# What a canvas holds of paint: how many pixels of all layers have some, and a sum over their places.
PAINT = """name => {
  let [count, sum] = [0, 0];
  for (const { surface } of webui.canvasBoards.get(name).state.layers) {
    const { data } = surface.getContext('2d').getImageData(0, 0, surface.width, surface.height);
    for (let at = 3; at < data.length; at += 4) {
      if (data[at]) [count, sum] = [count + 1, (sum * 31 + at + data[at]) % 1000003];
    }
  }
  return [count, sum];
}"""
KEPT = "name => { const { dataset } = document.querySelector(`#${name} .canvas`);"
KEPT += " return dataset.kept === dataset.revision; }"


@pytest.fixture
def page(fresh_page):
    """A fresh page with the tab open."""
    fresh_page.set_default_timeout(PATIENCE_MS)
    fresh_page.evaluate("webui.showTab('img2img')")
    # A browser that was never here shows the mode of the tab's last job.
    choose(fresh_page, "img2img")
    return fresh_page


def picture(width=96, height=64, colour="#3080c0", mode="RGB", kind="PNG", **options) -> bytes:
    """A picture file of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).convert(mode).save(file, kind, **options)
    return file.getvalue()


def choose(page: Page, mode: str) -> None:
    """Open one of the tab's modes."""
    page.locator("#mode_img2img > .tab-nav > button", has_text=mode).first.click()


def put(page: Page, name: str, data: bytes, file: str = "picture.png") -> None:
    """Choose a picture for a canvas in its file dialog."""
    with page.expect_file_chooser() as chooser:
        page.click(f"#{name} .canvas-empty")
    chooser.value.set_files({"name": file, "mimeType": "application/octet-stream", "buffer": data})


def ready_to_paint(page: Page, mode: str, name: str, data: bytes | None = None) -> None:
    choose(page, mode)
    put(page, name, data or picture())
    page.wait_for_selector(f"#{name} .canvas.has-picture")


def place(page: Page, name: str, x: float, y: float) -> tuple[float, float]:
    """The place in the window of one in the stage, both shares of its size."""
    box = page.locator(f"#{name} .canvas-stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def drag(page: Page, name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A stroke with the mouse between two places of the stage."""
    page.locator(f"#{name} .canvas-stage").scroll_into_view_if_needed()
    page.mouse.move(*place(page, name, *start))
    page.mouse.down()
    page.mouse.move(*place(page, name, *end), steps=4)
    page.mouse.up()


def paint(page: Page, name: str) -> list[int]:
    return page.evaluate(PAINT, name)


def kept(page: Page, name: str) -> None:
    """Until the browser has written down what the canvas holds."""
    page.wait_for_function(KEPT, arg=name)


def generate(page: Page, prompt: str) -> None:
    page.fill("#img2img_prompt textarea", prompt)
    set_number(page, "img2img_steps", 3)
    for side in ("width", "height"):
        set_number(page, f"img2img_{side}", 64)
    page.click("#img2img_generate")
    expect(page.locator("#html_info_img2img")).to_contain_text(prompt)
    page.wait_for_selector("#img2img_interrupt", state="hidden")


def test_a_mask_outlives_other_tabs_and_a_reload_and_is_generated_with(page):
    ready_to_paint(page, "Inpaint", INPAINT)
    drag(page, INPAINT, (0.3, 0.5), (0.6, 0.5))
    drawn = paint(page, INPAINT)
    assert drawn[0] > 100
    kept(page, INPAINT)
    choose(page, "Sketch")
    page.evaluate("webui.showTab('txt2img')")
    reloaded(page)
    page.evaluate("webui.showTab('img2img')")
    choose(page, "Inpaint")
    page.wait_for_selector(f"#{INPAINT} .canvas.has-picture")
    assert paint(page, INPAINT) == drawn
    generate(page, "a masked fox")
    expect(page.locator("#html_info_img2img")).to_contain_text("Mask blur: 4")


def test_fifty_strokes_are_undone_and_done_again_one_by_one(page):
    ready_to_paint(page, "Inpaint", INPAINT)
    states = [paint(page, INPAINT)]
    for share in range(50):
        drag(page, INPAINT, (0.05 + share / 60, 0.2), (0.07 + share / 60, 0.8))
        states.append(paint(page, INPAINT))
    assert all(one != other for one, other in itertools.pairwise(states))
    page.hover(f"#{INPAINT} .canvas-stage")
    for state in reversed(states[:-1]):
        page.keyboard.press("Control+z")
        page.wait_for_function(f"([name, sum]) => ({PAINT})(name)[1] === sum", arg=[INPAINT, state[1]])
    for _ in range(50):
        page.keyboard.press("Control+Shift+z")
    page.wait_for_function(f"([name, sum]) => ({PAINT})(name)[1] === sum", arg=[INPAINT, states[-1][1]])


def test_the_eraser_takes_paint_away_and_the_lasso_and_bucket_fill(page):
    ready_to_paint(page, "Inpaint", INPAINT)
    stage = page.locator(f"#{INPAINT} .canvas-stage")
    stage.hover()
    page.keyboard.press("l")
    page.mouse.move(*place(page, INPAINT, 0.2, 0.2))
    page.mouse.down()
    for corner in ((0.8, 0.2), (0.8, 0.8), (0.2, 0.8)):
        page.mouse.move(*place(page, INPAINT, *corner), steps=2)
    page.mouse.up()
    (circled, _) = paint(page, INPAINT)
    assert 0.3 < circled / (96 * 64) < 0.4
    page.keyboard.press("e")
    drag(page, INPAINT, (0.5, 0.5), (0.55, 0.5))
    (erased, _) = paint(page, INPAINT)
    assert erased < circled
    page.keyboard.press("g")
    page.mouse.click(*place(page, INPAINT, 0.05, 0.05))
    (filled, _) = paint(page, INPAINT)
    # All but the hole of the eraser.
    assert 96 * 64 - (circled - erased) - 40 < filled < 96 * 64


def test_keys_and_wheel_change_brush_and_zoom(page):
    ready_to_paint(page, "Inpaint", INPAINT)
    page.hover(f"#{INPAINT} .canvas-stage")
    board = f"webui.canvasBoards.get('{INPAINT}')"
    before = page.evaluate(f"{board}.size")
    page.keyboard.press("w")
    assert page.evaluate(f"{board}.size") > before
    page.keyboard.press("q")
    page.keyboard.press("q")
    assert page.evaluate(f"{board}.size") < before
    scale = page.evaluate(f"{board}.view.scale")
    page.keyboard.down("Alt")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Alt")
    page.wait_for_function(f"{board}.view.scale > {scale}")
    page.keyboard.press("r")
    assert page.evaluate(f"{board}.view.scale") == scale
    page.keyboard.press("s")
    expect(page.locator(f"#{INPAINT} .canvas")).to_have_class("canvas has-picture full-screen")
    page.keyboard.press("Escape")
    expect(page.locator(f"#{INPAINT} .canvas")).to_have_class("canvas has-picture")


def test_layers_are_hidden_deleted_and_brought_back(page):
    ready_to_paint(page, "Sketch", SKETCH)
    drag(page, SKETCH, (0.2, 0.5), (0.4, 0.5))
    one = paint(page, SKETCH)
    page.click(f"#{SKETCH} .icon-layers")
    page.click(f"#{SKETCH} .icon-add")
    drag(page, SKETCH, (0.2, 0.8), (0.4, 0.8))
    two = paint(page, SKETCH)
    assert two[0] > one[0]
    page.locator(f"#{SKETCH} .canvas-layer .icon-clear").first.click()
    assert paint(page, SKETCH) == one
    page.hover(f"#{SKETCH} .canvas-stage")
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "name => document.querySelector(`#${name} .canvas`).dataset.layers === '2'", arg=SKETCH
    )
    assert paint(page, SKETCH) == two


def test_a_picture_dropped_on_the_canvas_is_there(page):
    page.wait_for_selector("#img2img_image .canvas-empty")
    page.evaluate(
        """bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], 'fox.png', { type: 'image/png' }));
          const stage = document.querySelector('#img2img_image .canvas-stage');
          const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
          stage.dispatchEvent(new DragEvent('drop', options));
        }""",
        list(picture(40, 72)),
    )
    expect(page.locator("#img2img_image .canvas")).to_have_attribute("data-size", "40x72")
    page.click("#img2img_detect_image_size_btn")
    expect(page.locator("#img2img_height input[type=number]")).to_have_value("72")
    generate(page, "a dropped fox")
    expect(page.locator("#html_info_img2img")).to_contain_text("Denoising strength: 0.75")


WRONG = {
    "cut.png": (picture()[:60], "damaged"),
    "page.png": (b"<html></html>", "not a picture"),
    "moving.gif": (
        picture(kind="GIF", save_all=True, append_images=[Image.new("RGB", (96, 64), "red")]),
        "animation",
    ),
    "long.png": (picture(20_000, 1), "16384"),
}


def test_a_wrong_picture_is_a_sentence_and_what_was_there_stays(page):
    ready_to_paint(page, "Inpaint", INPAINT)
    drag(page, INPAINT, (0.3, 0.5), (0.6, 0.5))
    drawn = paint(page, INPAINT)
    for name, (data, words) in WRONG.items():
        with page.expect_file_chooser() as chooser:
            page.click(f"#{INPAINT} .icon-open")
        chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": data})
        expect(page.locator(f"#{INPAINT} .canvas-notice")).to_contain_text(words)
        assert paint(page, INPAINT) == drawn
    # The browser notes each refusal of the server.
    page.complaints.errors.clear()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("print.jpg", picture(mode="CMYK", kind="JPEG")),
        ("scan.tif", picture(mode="L", kind="TIFF")),
        ("dot.png", picture(1, 1)),
    ],
    ids=["CMYK", "TIFF", "one pixel"],
)
def test_unusual_pictures_are_shown(page, name, data):
    page.wait_for_selector("#img2img_image .canvas-empty")
    put(page, "img2img_image", data, name)
    expect(page.locator("#img2img_image .canvas")).to_have_class("canvas has-picture")


def test_generate_without_a_picture_is_a_sentence_at_the_canvas(page):
    page.wait_for_selector("#img2img_image .canvas-empty")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_image .canvas-notice")).to_contain_text("There is no picture yet")
    expect(page.locator("#img2img_notice")).to_contain_text("There is no picture yet")


def test_a_picture_is_sent_from_txt2img_with_its_prompt_and_undo_brings_the_old_one_back(page):
    ready_to_paint(page, "Inpaint", INPAINT)
    drag(page, INPAINT, (0.3, 0.5), (0.6, 0.5))
    drawn = paint(page, INPAINT)
    page.evaluate("webui.showTab('txt2img')")
    fill_form(page, "a sent house", steps=3, seed="77", side=72)
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("a sent house")
    wait_until_idle(page)
    page.click("#txt2img_send_to_inpaint")
    expect(page.locator(f"#{INPAINT} .canvas")).to_have_attribute("data-size", "72x72")
    expect(page.locator(f"#{INPAINT} .canvas-stage")).to_be_visible()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a sent house")
    expect(page.locator("#img2img_seed input")).to_have_value("77")
    expect(page.locator("#img2img_width input[type=number]")).to_have_value("72")
    page.hover(f"#{INPAINT} .canvas-stage")
    page.keyboard.press("Control+z")
    expect(page.locator(f"#{INPAINT} .canvas")).to_have_attribute("data-size", "96x64")
    assert paint(page, INPAINT) == drawn


def test_a_sketch_is_the_picture_with_its_paint(page, address):
    ready_to_paint(page, "Sketch", SKETCH)
    drag(page, SKETCH, (0.3, 0.5), (0.6, 0.5))
    told = page.evaluate("async () => JSON.parse(await webui.canvasPictures('Sketch'))")
    answer = httpx.get(f"{address}v1/inputs/{told['image']}", timeout=PATIENCE_S).raise_for_status()
    colours = Image.open(io.BytesIO(answer.content)).convert("RGB").getcolors()
    assert (0x30, 0x80, 0xC0) in [colour for _, colour in colours]
    assert (0x2D, 0x6C, 0xDF) in [colour for _, colour in colours]
    assert told["original"] == hashlib.sha256(picture()).hexdigest()


def test_a_transparent_picture_masks_itself(page):
    file = io.BytesIO()
    image = Image.new("RGBA", (96, 64), "#3080c0ff")
    image.paste((0, 0, 0, 0), (0, 0, 48, 64))
    image.save(file, "PNG")
    ready_to_paint(page, "Inpaint", INPAINT, file.getvalue())
    page.click(f"#{INPAINT} .icon-alpha")
    assert paint(page, INPAINT)[0] == 48 * 64
    page.click(f"#{INPAINT} .icon-invert")
    assert paint(page, INPAINT)[0] == 48 * 64


def test_a_batch_names_its_results_and_the_wrong_pictures(page, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.png").write_bytes(picture())
    (tmp_path / "bad.png").write_bytes(b"<html></html>")
    choose(page, "Batch")
    page.check("#img2img_batch_source input[value='From directory']")
    page.fill("#img2img_batch_input_dir textarea, #img2img_batch_input_dir input", str(tmp_path))
    page.fill("#img2img_batch_output_dir textarea, #img2img_batch_output_dir input", str(tmp_path / "out"))
    generate(page, "many foxes")
    expect(page.locator("#img2img_gallery .thumbnails .thumbnail-item")).to_have_count(2)
    expect(page.locator("#img2img_notice")).to_contain_text("bad.png is not a picture")
    assert sorted(path.stem for path in (tmp_path / "out").rglob("*.png")) == ["one", "two"]


def test_a_wrong_folder_is_a_sentence(page):
    choose(page, "Batch")
    page.check("#img2img_batch_source input[value='From directory']")
    page.fill("#img2img_batch_input_dir textarea, #img2img_batch_input_dir input", "/no/such/folder")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_notice")).to_contain_text("'/no/such/folder' is not a folder")


def test_an_option_shows_the_same_in_the_tab_and_in_the_settings(page):
    page.click("#img2img_colours_and_noise button")
    set_number(page, "img2img_initial_noise_multiplier", 0.9)
    page.evaluate("webui.showTab('settings')")
    twin = page.locator("#setting_initial_noise_multiplier input[type=number]")
    expect(twin).to_have_value("0.9")
    set_number(page, "setting_initial_noise_multiplier", 1)
    page.click("#settings_submit")
    page.evaluate("webui.showTab('img2img')")
    expect(page.locator("#img2img_initial_noise_multiplier input[type=number]")).to_have_value("1")


def test_resize_by_says_what_comes_of_it(page):
    page.wait_for_selector("#img2img_image .canvas-empty")
    put(page, "img2img_image", picture(96, 64))
    page.check("#img2img_tabs_resize input[value='Resize by']")
    set_number(page, "img2img_scale", 2)
    expect(page.locator("#img2img_scale_resolution_preview")).to_have_text("From 96x64 to 192x128")


def test_a_finger_paints_on_a_phone(chromium, address):
    page = opened(chromium, address, width=390, height=844)
    page.evaluate("webui.showTab('img2img')")
    ready_to_paint(page, "Inpaint", INPAINT)
    page.locator(f"#{INPAINT} .canvas-stage").scroll_into_view_if_needed()
    finger = page.context.new_cdp_session(page)
    start, end = place(page, INPAINT, 0.3, 0.5), place(page, INPAINT, 0.7, 0.5)
    for kind, points in (("touchStart", [start]), ("touchMove", [end]), ("touchEnd", [])):
        touches = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    page.wait_for_function(f"name => ({PAINT})(name)[0] > 100", arg=INPAINT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


@pytest.mark.skipif(SCREENSHOTS is None, reason="Set SCREENSHOTS to a folder to take pictures of the page.")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("width", "height"), [(1440, 1000), (820, 1180), (390, 844)])
def test_the_tab_has_its_picture_taken(chromium, address, width, height, dark):
    page = opened(chromium, address, width=width, height=height, dark=dark)
    page.click("#setting_sd_model_checkpoint input")
    page.locator("[role=option]", has_text="starter").first.click()
    fill_form(page, "a red house by the sea at sunset, watercolour", steps=20, side=256, seed="21")
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 21")
    wait_until_idle(page)
    page.click("#txt2img_send_to_inpaint")
    page.wait_for_selector(f"#{INPAINT} .canvas.has-picture")
    page.hover(f"#{INPAINT} .canvas-stage")
    for _ in range(6):
        page.keyboard.press("w")
    drag(page, INPAINT, (0.3, 0.35), (0.7, 0.4))
    page.fill("#img2img_prompt textarea", "a blue boat on the sea at sunset, watercolour")
    told = "document.querySelector('#generation_info_img2img textarea').value"
    before = page.evaluate(told)
    page.click("#img2img_generate")
    page.wait_for_function(f"before => {told} !== before && {told}.includes('a blue boat')", arg=before)
    page.locator("#img2img_put_back").get_by_role("button", name="OK").click()
    page.wait_for_selector("#img2img_interrupt", state="hidden")
    # On narrow screens the canvas stands below.
    place_shown = "#mode_img2img" if width <= 860 else "body"
    page.evaluate("place => document.querySelector(place).scrollIntoView()", place_shown)
    page.wait_for_timeout(800)
    folder = Path(str(SCREENSHOTS))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"img2img-{'dark' if dark else 'light'}-{width}.png")
    page.context.close()
