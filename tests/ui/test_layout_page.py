"""Where the hands are: Generate, results and notices at the sizes of a desktop, a tablet and a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui import browser as steps
from tests.ui.browser import fill_form, set_number, wait_for_share, wait_until_idle

SIZES = {"desktop": (1440, 900), "tablet": (820, 1180), "phone": (390, 844)}
DRAWING = Path(__file__).resolve().parents[2] / "models" / "starter" / "grid.jpg"
LONG_PROMPT = "a heron at the lake in the morning light, " * 40
# A job that goes on until it is interrupted, however slow the page is; each of its steps is quick.
LONG = {"steps": 150, "side": 64, "batches": 100}
LEFT_OUT = "No LoRA is named 'nosuch'"
LARGE_ENOUGH = """() => {
  const all = [...document.querySelectorAll('#txt2img_gallery .thumbnail-small')];
  const boxes = all.map((each) => each.getBoundingClientRect());
  return boxes.length === 4 && boxes.every(({ width, height }) => Math.min(width, height) >= 64);
}"""


@pytest.fixture(params=list(SIZES))
def sized_page(request, chromium, address):
    """A page in a window of each size, which may not have complained by the end."""
    width, height = SIZES[request.param]
    page = steps.opened(chromium, address, width=width, height=height, dark=request.param == "phone")
    yield page
    complaints = page.complaints  # pyright: ignore[reportAttributeAccessIssue]
    page.context.close()
    assert complaints.errors == []


def box(place: Locator) -> dict[str, float]:
    """Where something is in the window, in pixels, with its right and lower edge."""
    found = place.bounding_box()
    assert found is not None, f"{place} is not shown"
    x, y, width, height = (found[name] for name in ("x", "y", "width", "height"))
    return {"x": x, "y": y, "width": width, "height": height, "right": x + width, "bottom": y + height}


def in_window(page: Page, place: Locator) -> bool:
    found, size = box(place), page.viewport_size
    assert size is not None
    return (
        found["x"] >= -1
        and found["y"] >= -1
        and found["right"] <= size["width"] + 1
        and found["bottom"] <= size["height"] + 1
    )


def meet(first: dict[str, float], second: dict[str, float]) -> bool:
    """Whether two boxes cover each other anywhere."""
    beside = first["right"] <= second["x"] or second["right"] <= first["x"]
    above = first["bottom"] <= second["y"] or second["bottom"] <= first["y"]
    return not (beside or above)


def scroll_to(page: Page, place: Locator) -> None:
    place.evaluate("element => element.scrollIntoView({block: 'start', behavior: 'instant'})")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def is_narrow(page: Page) -> bool:
    return (page.viewport_size or {"width": 0})["width"] <= 860


def test_pictures_their_strip_and_their_tools_fit_the_window(sized_page):
    page = sized_page
    tools = page.locator("#image_buttons_txt2img")
    # Nothing to work on: the tools rest, and say why.
    expect(page.locator("#save_extras")).to_be_disabled()
    expect(page.locator("#save_extras")).to_have_attribute(
        "title",
        "Save the picture to the folder for chosen ones: There is no picture yet. Generate one first.",
    )
    before = {name: box(page.locator(name)) for name in ("#txt2img_tools", "#txt2img_settings")}
    fill_form(page, "a heron <lora:nosuch:1>", steps=2, batches=3, side=64)
    page.evaluate("scrollTo(0, 0)")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(4)
    wait_until_idle(page)
    expect(page.locator("#txt2img_progress")).to_contain_text("100% · Done in")
    # The notice stands at Generate, in the window, and moved nothing.
    notice = page.locator("#txt2img_notice .notice-box")
    expect(notice).to_contain_text(LEFT_OUT)
    expect(notice).to_have_count(1)
    assert in_window(page, notice)
    # It covers none of what one presses next.
    for name in ("#txt2img_generate", "#txt2img_clear_prompt", "#txt2img_styles_edit_button"):
        tool = page.locator(name)
        assert not meet(box(notice), box(tool)), name
    if not is_narrow(page):
        assert box(notice)["y"] > box(page.locator("#txt2img_generate"))["bottom"]
        assert {name: box(page.locator(name)) for name in before} == before
        assert in_window(page, tools), "without scrolling"
    page.click("#txt2img_notice .notice-close")
    expect(notice).to_be_hidden()
    gallery = page.locator("#txt2img_gallery_container")
    scroll_to(page, page.locator("#txt2img_results_panel"))
    assert in_window(page, gallery)
    assert in_window(page, tools)
    assert not meet(box(tools), box(page.locator("#txt2img_generate_bar")))
    # Looked at together: the gallery may be drawn anew between two looks.
    page.wait_for_function(LARGE_ENOUGH)
    strip = box(page.locator("#txt2img_gallery .thumbnails"))
    assert not meet(strip, box(page.locator("#txt2img_gallery .media-button")))
    for icon in page.locator("#txt2img_gallery .icon-button-wrapper button").all():
        assert min(box(icon)["width"], box(icon)["height"]) >= 24
    ground = page.locator("#txt2img_gallery .icon-button-wrapper").evaluate(
        "element => getComputedStyle(element).backgroundColor"
    )
    assert ground not in ("transparent", "rgba(0, 0, 0, 0)")
    named = page.locator("#txt2img_send_to_inpaint").evaluate(
        "element => getComputedStyle(element, '::after').content"
    )
    assert ("Inpaint" in named) == is_narrow(page)
    expect(page.locator("#save_txt2img")).to_be_enabled()


def test_one_paints_and_generates_without_scrolling(sized_page):
    page = sized_page
    page.click("#tab_img2img-button")
    page.fill("#img2img_prompt textarea", LONG_PROMPT)
    page.locator("#mode_img2img > .tab-nav > button", has_text="Inpaint").first.click()
    with page.expect_file_chooser() as chooser:
        page.click("#img2maskimg .canvas-empty")
    chooser.value.set_files(DRAWING)
    page.wait_for_selector("#img2maskimg .canvas.has-picture")
    canvas, bar = page.locator("#img2maskimg .canvas"), page.locator("#img2img_generate_bar")
    generate = page.locator("#img2img_generate")
    # The picture brought its canvas into sight, with its tools, below a prompt of many lines.
    expect(canvas).to_be_in_viewport(ratio=1)
    expect(generate).to_be_in_viewport(ratio=1)
    assert in_window(page, canvas)
    assert not meet(box(canvas), box(bar))
    # On and on through the form it stays, and nothing jumps.
    for place in ("#img2img_seed", "#img2img_colours_and_noise"):
        page.locator(place).evaluate(
            "element => element.scrollIntoView({block: 'center', behavior: 'instant'})"
        )
        expect(generate).to_be_in_viewport(ratio=1)
    scroll_to(page, canvas)
    area = box(page.locator("#img2maskimg .canvas-stage"))
    page.mouse.move(area["x"] + 60, area["y"] + 60)
    page.mouse.down()
    page.mouse.move(area["x"] + 160, area["y"] + 140, steps=4)
    page.mouse.up()
    for name, value in (("steps", 2), ("width", 64), ("height", 64)):
        set_number(page, f"img2img_{name}", value)
    # Whoever chooses the mode again is there again.
    page.locator("#mode_img2img > .tab-nav > button", has_text="Inpaint").first.click()
    expect(canvas).to_be_in_viewport(ratio=1)
    top, at = box(canvas)["y"], page.evaluate("scrollY")
    generate.click()
    page.wait_for_selector("#img2img_gallery img", state="attached")
    page.wait_for_selector("#img2img_interrupt", state="hidden")
    assert page.evaluate("scrollY") == at
    assert box(canvas)["y"] == top
    if is_narrow(page):
        results, fields = page.locator("#img2img_results_panel"), page.locator("#img2img_steps")
        assert box(canvas)["bottom"] < box(results)["y"] < box(fields)["y"]
    # A result that is sent on brings its canvas along.
    page.click("#img2img_send_to_inpaint")
    expect(canvas).to_have_attribute("data-size", "64x64")
    expect(canvas).to_be_in_viewport(ratio=1)
    assert not meet(box(canvas), box(bar))
    # What is typed into is never under the bar.
    seed = page.locator("#img2img_seed input")
    seed.focus()
    assert in_window(page, seed)
    assert not meet(box(seed), box(bar))


def test_a_phone_is_told_what_it_can_do(chromium, address):
    page = steps.opened(chromium, address, width=390, height=844)
    hint = page.get_attribute("#txt2img_prompt textarea", "placeholder") or ""
    assert "Ctrl" not in hint
    assert "What the picture should show." in hint
    strip = page.locator("#tabs > .tab-nav")
    expect(strip).to_have_class("tab-nav more-right")
    page.click("#tab_settings-button")
    expect(strip).to_have_class("tab-nav more-left")
    assert in_window(page, page.locator("#tab_settings-button"))
    page.context.close()


def test_a_queue_is_told_and_its_buttons_stay_between_two_jobs(fresh_page):
    page = fresh_page
    steps_row = {name: box(page.locator(f"#txt2img_{name}")) for name in ("sampling", "scheduler", "steps")}
    labels = [box(page.locator(f"#txt2img_{name} [data-testid=block-info]"))["y"] for name in steps_row]
    assert max(labels) - min(labels) <= 2, "the fields of a row stand on one line"
    fill_form(page, "first", **LONG)
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_generate .adds")).to_have_text("adds to queue")
    page.wait_for_selector("#txt2img_interrupt", state="visible")
    wait_for_share(page, 0)
    tools = box(page.locator("#txt2img_tools"))
    page.fill("#txt2img_prompt textarea", "second")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_queue .queue-badge")).to_have_text("1")
    # From now on, each time that a part of the page changes, whether Interrupt could be pressed.
    page.evaluate("""() => {
      window.gaps = 0;
      const interrupt = document.querySelector('#txt2img_interrupt');
      const look = () => { if (!interrupt.checkVisibility({ visibilityProperty: true })) window.gaps++; };
      const progress = document.querySelector('#txt2img_progress');
      new MutationObserver(look).observe(progress, { childList: true, subtree: true });
    }""")
    first = page.get_attribute("#txt2img_progress .progressDiv", "data-job")
    page.click("#txt2img_interrupt")
    page.wait_for_selector(f"#txt2img_progress .progressDiv:not([data-job='{first}'])")
    assert page.evaluate("window.gaps") == 0
    assert box(page.locator("#txt2img_tools")) == tools
    wait_for_share(page, 0)
    # A press right after the first would be taken for the same one.
    page.wait_for_timeout(2500)
    page.click("#txt2img_interrupt")
    wait_until_idle(page)
    expect(page.locator("#txt2img_generate .adds")).to_have_count(0)


def test_a_refused_interrupt_says_why(chromium, address):
    mine, theirs = (steps.opened(chromium, address) for _ in range(2))
    fill_form(mine, "mine", **LONG)
    mine.click("#txt2img_generate")
    # It runs, and no job before it, whose interrupt would be refused to both.
    wait_for_share(mine, 0)
    theirs.wait_for_selector("#txt2img_interrupt", state="visible")
    theirs.click("#txt2img_interrupt")
    expect(theirs.locator("#txt2img_notice")).to_contain_text("started by somebody else")
    assert in_window(theirs, theirs.locator("#txt2img_notice .notice-box"))
    expect(mine.locator("#txt2img_progress .progressDiv")).to_have_count(1)
    mine.click("#txt2img_interrupt")
    wait_until_idle(mine)
    for page in (mine, theirs):
        page.context.close()
