"""Extend canvas through a browser: frame, numbers, result, the same again; and sizes that are sent."""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.browser import PATIENCE_MS, SCREENSHOTS, fill_form, opened, set_number, wait_until_idle
from tests.ui.test_img2img import choose, drag, generate, paint, picture, put

pytestmark = pytest.mark.timeout(400)
CANVAS, INPAINT = "img2img_image", "img2maskimg"


@pytest.fixture
def page(fresh_page):
    """A fresh page with the tab open."""
    fresh_page.evaluate("webui.showTab('img2img')")
    choose(fresh_page, "img2img")
    return fresh_page


def noisy(width=96, height=64) -> bytes:
    """A picture in which every pixel counts."""
    file = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(file, "PNG")
    return file.getvalue()


def extend(page: Page, **sides: int) -> None:
    """Tick Extend canvas, and give it sides."""
    page.check("#img2img_outpainting-checkbox input")
    for side in ("left", "right", "up", "down"):
        set_number(page, f"outpaint_{side}", sides.get(side, 0))


def edge(page: Page, canvas: str, side: str):
    """An edge of the frame."""
    return page.locator(f"#{canvas} .canvas-frame-edge[data-side={side}]")


def newest(home: Path) -> Path:
    """The last picture of img2img."""
    return max((home / "outputs" / "img2img-images").rglob("*.png"), key=lambda path: path.stat().st_mtime_ns)


def wait_for_another(page: Page, home: Path, before: Path) -> Path:
    """The next picture's file, once the job is done."""
    for _ in range(PATIENCE_MS // 100):
        if newest(home) != before:
            break
        page.wait_for_timeout(100)
    page.wait_for_selector("#img2img_interrupt", state="hidden")
    assert newest(home) != before
    return newest(home)


def make(page: Page, home: Path, prompt: str) -> Path:
    """Generate; the picture's file."""
    generate(page, prompt)
    return newest(home)


def test_a_canvas_is_extended_and_made_again_from_png_info(page, home):
    put(page, CANVAS, noisy())
    extend(page, left=40, right=24)
    set_number(page, "img2img_steps", 3)
    size = page.locator(".outpaint-size")
    expect(size).to_have_text("160x64: the picture with its new sides. Width and Height are not used.")
    first = make(page, home, "a wide fox")
    made = Image.open(first)
    assert made.size == (160, 64)
    expect(page.locator("#html_info_img2img")).to_contain_text("Outpaint left: 40, Outpaint right: 24")
    # A page that knows nothing of it, and the same source.
    extend(page, up=8)
    page.uncheck("#img2img_outpainting-checkbox input")
    expect(edge(page, CANVAS, "left")).to_be_hidden()
    page.evaluate("webui.showTab('pnginfo')")
    page.set_input_files("#pnginfo_image input[type=file]", str(first))
    page.click("#img2img_tab:not([disabled])")
    expect(page.locator(f"#{CANVAS} .canvas")).to_have_attribute("data-size", "160x64")
    expect(page.locator("#img2img_notice")).to_contain_text(
        "put the picture that it began with on the canvas"
    )
    expect(page.locator("#outpaint_left input[type=number]")).to_have_value("40")
    expect(page.locator("#outpaint_up input[type=number]")).to_have_value("0")
    # The frame follows what the server wrote.
    expect(edge(page, CANVAS, "left")).to_have_attribute("aria-valuenow", "40")
    page.hover(f"#{CANVAS} .canvas-stage")
    page.keyboard.press("Control+z")
    expect(page.locator(f"#{CANVAS} .canvas")).to_have_attribute("data-size", "96x64")
    page.click("#img2img_generate")
    second = wait_for_another(page, home, first)
    again = Image.open(second)
    assert again.tobytes() == made.tobytes()
    assert again.text["parameters"] == made.text["parameters"]


def test_the_frame_is_dragged_typed_and_undone_and_the_mask_stays_where_it_is(page):
    choose(page, "Inpaint")
    put(page, INPAINT, picture())
    page.wait_for_selector(f"#{INPAINT} .canvas.has-picture")
    drag(page, INPAINT, (0.3, 0.5), (0.6, 0.5))
    drawn = paint(page, INPAINT)
    extend(page)
    left, number = edge(page, INPAINT, "left"), page.locator("#outpaint_left input[type=number]")
    left.scroll_into_view_if_needed()
    box = left.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(number).not_to_have_value("0")
    dragged = int(number.input_value())
    assert dragged % 8 == 0
    expect(left).to_have_attribute("aria-valuenow", str(dragged))
    left.press("ArrowLeft")
    expect(number).to_have_value(str(dragged + 8))
    set_number(page, "outpaint_right", 56)
    expect(edge(page, INPAINT, "right")).to_have_attribute("aria-valuenow", "56")
    assert paint(page, INPAINT) == drawn
    # Painting goes where the pointer is, in the picture's own pixels.
    page.locator(f"#{INPAINT} .canvas-stage").scroll_into_view_if_needed()
    at = page.evaluate(
        """async name => { const { view } = webui.canvasBoards.get(name);
        // The stage takes the frame's shape within a frame or two.
        for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
        const box = view.stage.getBoundingClientRect();
        return [box.left + view.x + 20 * view.scale, box.top + view.y + 10 * view.scale]; }""",
        INPAINT,
    )
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + 4, at[1], steps=2)
    page.mouse.up()
    alpha = """name => webui.canvasBoards.get(name).state.layers[0].surface.getContext('2d')
      .getImageData(20, 10, 1, 1).data[3]"""
    page.wait_for_function(f"name => ({alpha})(name) > 0", arg=INPAINT)
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(number).to_have_value("0")
    assert paint(page, INPAINT) == drawn
    set_number(page, "outpaint_right", 0)
    page.uncheck("#img2img_outpainting-checkbox input")
    told = page.evaluate("async () => JSON.parse(await webui.canvasPictures('Inpaint'))")
    assert (told["width"], told["height"], told["mask_width"]) == (96, 64, 96)


def test_a_finger_drags_the_frame_on_a_phone(chromium, address):
    page = opened(chromium, address, width=390, height=844)
    page.evaluate("webui.showTab('img2img')")
    choose(page, "img2img")
    put(page, CANVAS, picture())
    extend(page)
    lower, number = edge(page, CANVAS, "down"), page.locator("#outpaint_down input[type=number]")
    lower.scroll_into_view_if_needed()
    box = lower.bounding_box()
    assert box is not None
    start = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    finger = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [start]),
        ("touchMove", [start | {"y": start["y"] + 40}]),
        ("touchEnd", []),
    ):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(number).not_to_have_value("0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


def test_a_picture_is_sent_with_its_own_size_and_a_grid_as_its_first_picture(page):
    page.evaluate("webui.showTab('txt2img')")
    fill_form(page, "two sent houses", steps=2, seed="7", side=64, batches=2)
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(3)
    wait_until_idle(page)
    page.locator("#txt2img_gallery .thumbnails .thumbnail-item").first.click()
    page.click("#txt2img_send_to_img2img")
    expect(page.locator(f"#{CANVAS} .canvas")).to_have_attribute("data-size", "64x64")
    expect(page.locator(f"#{CANVAS} .canvas-stage")).to_be_in_viewport(ratio=0.99)
    page.evaluate("webui.showTab('txt2img')")
    page.check("#txt2img_hr-checkbox input")
    set_number(page, "txt2img_hr_scale", 1.5)
    set_number(page, "txt2img_batch_count", 1)
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Hires upscale: 1.5")
    wait_until_idle(page)
    page.click("#txt2img_send_to_inpaint")
    expect(page.locator(f"#{INPAINT} .canvas")).to_have_attribute("data-size", "96x96")
    expect(page.locator(f"#{INPAINT} .canvas-stage")).to_be_in_viewport(ratio=0.99)
    for side in ("width", "height"):
        expect(page.locator(f"#img2img_{side} input[type=number]")).to_have_value("96")


@pytest.mark.skipif(SCREENSHOTS is None, reason="Set SCREENSHOTS to a folder to take pictures of the page.")
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_the_frame_has_its_picture_taken(chromium, address, width, dark):
    page = opened(chromium, address, width=width, height=900, dark=dark)
    page.evaluate("webui.showTab('img2img')")
    choose(page, "img2img")
    put(page, CANVAS, picture(256, 256))
    extend(page, left=128, right=128, up=5)
    expect(page.locator(".outpaint-size")).to_contain_text("rounded up")
    page.evaluate("document.querySelector('#mode_img2img').scrollIntoView()")
    page.wait_for_timeout(800)
    folder = Path(str(SCREENSHOTS))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"extend-{'dark' if dark else 'light'}-{width}.png")
    page.context.close()
