"""Constructs of Gradio 3 in the real page: what arrives in Python, and what is seen in the browser."""

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.compat.a1111.serving import serve
from tests.ui import browser as steps

# An artist who types all the time, from the first moment on.
TYPING = "setInterval(() => dispatchEvent(new KeyboardEvent('keydown')), 100)"
# Takes the width from all columns of a table.
NARROW = """selector => {
  const table = document.querySelector(selector);
  for (const each of table.querySelectorAll(".header-table, .header-table :is(th, td), .body-cell")) {
    each.style.width = "0px";
  }
  for (const each of table.querySelectorAll(".body-cell")) each.style.flex = "0 0 0px";
}"""
OUT = "#g3_out textarea, #g3_out input"
TYPE = """([selector, text]) => {
  const field = document.querySelector(selector);
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory, golden_models):
    """The page of a program with the fixture, at the fixture's tab."""
    folder = tmp_path_factory.mktemp("served")
    with (
        serve(["gradio-three"], folder, ["--ckpt-dir", str(golden_models)]) as address,
        sync_playwright() as playwright,
    ):
        expect.set_options(timeout=steps.PATIENCE_MS)
        browser = steps.launch(playwright)
        page = steps.opened(browser, address)
        page.locator("#tabs > .tab-nav > button", has_text="Gradio 3").click()
        yield page
        complaints = page.complaints
        browser.close()
        own = "Could not parse custom js method: (x) => g3Named('HERE, x)"
        assert [error for error in complaints.errors if not error.startswith(own)] == []
        assert complaints.strangers == []


def says(page, button, text):
    """Press a button, and wait for what the tab says then."""
    page.click(f"#g3_{button}")
    expect(page.locator(OUT)).to_have_value(text)


def is_there_unseen(page, *ids):
    """Elements are in the page and not shown."""
    for each in ids:
        element = page.locator(f"#g3_{each}")
        expect(element).to_be_attached()
        expect(element).to_be_hidden()


def test_hidden_elements_are_in_the_page(page):
    is_there_unseen(page, "row", "inside", "hidden_text", "hidden_button", "kept", "in_part")
    is_there_unseen(page, "in_two", "in_three")
    page.evaluate(TYPE, ["#g3_hidden_text textarea, #g3_hidden_text input", "by a script"])
    page.evaluate("document.querySelector('#g3_hidden_button').click()")
    expect(page.locator(OUT)).to_have_value("bridge by a script")


def test_values_arrive_in_python_as_they_did(page):
    rest = "str:'x' | list:['p'] | int:7 | list:['m'] | str:'e'"
    says(page, "read", f"int:3 | NoneType:None | int:1 | {rest}")
    page.click("#g3_narrow")
    expect(page.locator("#g3_radio label")).to_have_text(["z"])
    says(page, "read", f"int:2 | NoneType:None | NoneType:None | {rest}")
    expect(page.locator("#g3_page input[type=range]")).to_be_disabled()
    says(page, "hinted", f'''str:"int:2 | NoneType:None | NoneType:None | {rest}"''')


def test_scripts_run_before_python_and_without_it(page):
    says(page, "js_only", "word!")
    says(page, "js_named", "named word")
    says(page, "js_python", "python js word")
    says(page, "js_nothing", "NoneType:None")
    says(page, "job", "task(1) word")
    # What cannot be read is passed over, and the page is there all the same.
    says(page, "js_broken", "python word")
    says(page, "chain", "first then")
    page.wait_for_function("window.g3Called && window.g3Success")
    says(page, "few", "only one")


def test_what_a_page_loads_every_few_seconds_is_loaded_again(page):
    page.wait_for_function("Number(document.querySelector('#g3_clock textarea, #g3_clock input').value) >= 3")


def test_a_table_that_was_drawn_unseen_has_columns_to_be_read(page):
    page.click("#g3_tell_table")
    cells = page.locator("#g3_table .body-cell")
    expect(cells).to_have_count(4)
    # As Gradio leaves one that had its first rows while its tab was hidden.
    page.evaluate(NARROW, "#g3_table")
    widths = cells.evaluate_all("cells => cells.map(cell => cell.getBoundingClientRect().width)")
    assert min(widths) > 100


def test_updates_are_seen_and_make_nothing_anew(page):
    page.click("#g3_change")
    for shown in ("row", "inside", "kept"):
        expect(page.locator(f"#g3_{shown}")).to_be_visible()
    expect(page.locator("#g3_column")).to_be_hidden()
    expect(page.locator("#g3_tool")).to_have_text("U")
    expect(page.locator("#g3_own textarea, #g3_own input")).to_have_value("own updated")
    expect(page.locator("#g3_own")).to_contain_text("new label")
    expect(page.locator("#g3_composite input")).to_be_checked()
    expect(page.locator("#g3_composite_2")).to_have_count(0)
    expect(page.locator("#g3_gallery img").first).to_be_visible()
    says(page, "read_gallery", "1 True 2")
    # What is hidden within the row that is shown stays so, and keeps its classes.
    is_there_unseen(page, "row_text", "within")
    expect(page.locator("#g3_row_text.gradio-textbox")).to_have_count(1)
    page.click("#g3_deeper")
    expect(page.locator("#g3_within")).to_be_visible()
    is_there_unseen(page, "row_text")
    page.click("#g3_closing")
    is_there_unseen(page, "inside", "within")
    page.click("#g3_unveil")
    expect(page.locator("#g3_in_veiled")).to_be_visible()
    expect(page.locator("#g3_veiled")).to_contain_text("seen")
    is_there_unseen(page, "unseen_in_veiled")
    page.click("#g3_veil")
    is_there_unseen(page, "veiled", "in_veiled")
    page.click("#g3_both")
    expect(page.locator("#g3_in_veiled")).to_be_visible()
    is_there_unseen(page, "unseen_in_veiled")
    page.click("#g3_by_component")
    expect(page.locator("#g3_own textarea, #g3_own input")).to_have_value("by component")
    expect(page.locator("#g3_tool")).to_be_disabled()


def test_an_empty_label_is_drawn_empty(page):
    label = page.locator("#g3_blank [data-testid=block-info]")
    expect(label).to_have_text("")
    page.click("#g3_name_blank")
    expect(label).to_have_text("named")
    page.click("#g3_take_name")
    expect(label).to_have_text("")


def test_a_tab_that_is_put_among_the_pages_own_is_one_of_them(page):
    names = page.locator("#tabs > .tab-nav > button").all_text_contents()
    assert [each.strip() for each in names][:3] == ["txt2img", "img2img", "Beside <img2img>"]
    expect(page.locator("#g3_page_tab")).to_be_hidden()
    page.click("#tab_beside-button")
    expect(page.locator("#g3_page_tab textarea, #g3_page_tab input")).to_have_value("of its own")
    expect(page.locator("#g3_page_tab")).to_be_visible()
    expect(page.locator("#img2img_generate")).to_be_hidden()
    # What is made afterwards stands where it always does.
    assert page.evaluate("document.querySelector('#footer').closest('#tabs')") is None
    page.locator("#tabs > .tab-nav > button", has_text="Gradio 3").click()
    expect(page.locator("#g3_page_tab")).to_be_hidden()


def test_a_part_of_the_form_is_on_while_it_is_open(page):
    says(page, "read_part", "bool:False | str:'in part'")
    page.click("#g3_set_part")
    expect(page.locator("#g3_in_part")).to_be_visible()
    says(page, "read_part", "bool:True | str:'in part'")
    page.locator("#g3_part-checkbox input").uncheck()
    is_there_unseen(page, "in_part")
    expect(page.locator("#g3_part-extra")).to_have_text("extra")
    # A group's id stands in the page once.
    expect(page.locator("#g3_form_group")).to_have_count(1)
    expect(page.locator("#g3_in_form")).to_be_visible()


def draw_stroke(page):
    """A short line in the middle of the canvas."""
    canvas = page.locator("#g3_sketch canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y + 6, steps=5)
    page.mouse.up()


def test_pictures_arrive_with_what_was_drawn_on_them(page):
    page.click("#g3_fill")
    expect(page.locator("#g3_plain img")).to_be_visible()
    says(page, "read_plain", "Image RGB (40, 30)")
    says(page, "read_colour", "Image RGB (40, 30)")
    untouched = "['image', 'mask'] RGB (40, 30) RGB (40, 30) (0, 0)"
    says(page, "read_sketch", untouched)
    # What was drawn reaches the server when the hand has rested for a while; a canvas that is only just being
    # built takes no stroke.
    drawn = untouched.replace("(0, 0)", "(0, 255)")
    for at in range(20):
        if at % 4 == 0:
            draw_stroke(page)
        page.click("#g3_read_sketch")
        page.wait_for_timeout(500)
        if page.locator(OUT).input_value() == drawn:
            break
    expect(page.locator(OUT)).to_have_value(drawn)


def test_tabs_are_chosen_by_hand_and_by_python(page):
    page.locator("#g3_tabs [role=tab]", has_text="Two").click()
    expect(page.locator(OUT)).to_have_value("two selected")
    expect(page.locator("#g3_tab_two")).to_be_visible()
    page.locator("#g3_tabs [role=tab]", has_text="One").click()
    expect(page.locator("#g3_in_one")).to_be_visible()
    page.click("#g3_goto_two")
    expect(page.locator("#g3_tab_two")).to_be_visible()
    is_there_unseen(page, "in_one")
    expect(page.locator("#g3_tabs [role=tab]")).to_have_text(["One", "Two"])
    expect(page.locator("#g3_tabs #g3_beside textarea")).to_be_visible()
    page.click("#g3_show_three")
    page.locator("#g3_tabs [role=tab]", has_text="Three").click()
    expect(page.locator("#g3_in_three")).to_be_visible()


def test_extensions_are_told_of_components_and_know_the_events(page):
    says(page, "count", "beside 1 True 1")
    says(page, "count", "beside 2 True 1")
    page.click("#g3_events")
    # Both tabs have an arrow of that name.
    known = "['Textbox', 'Button', 'ToolButton', 'Row'] 2 3.41.2"
    expect(page.locator(OUT)).to_have_value(f"['describe_all', 'describe_all'] ['change'] {known}")
    for each, cls in (
        ("out", "textbox"),
        ("choice", "dropdown"),
        ("accordion", "accordion"),
        ("tool", "button"),
    ):
        expect(page.locator(f"#g3_{each}.gradio-{cls}")).to_have_count(1)
    expect(page.locator("#g3_several.multiselect")).to_have_count(1)
    expect(page.locator("#txt2img_prompt.gradio-textbox")).to_have_count(1)


def test_styles_of_a_page_of_its_own_reach_the_page(page):
    expect(page.locator("#g3_styled")).to_have_css("color", "rgb(1, 2, 3)")


def test_a_large_tab_is_drawn_when_the_artist_rests_or_opens_it(page):
    another = page.context.browser.new_page(base_url=page.url)
    another.add_init_script(TYPING)
    another.goto(page.url)
    expect(another.locator("#txt2img_generate")).to_be_visible()
    another.wait_for_function("atelierHost.isLoaded")
    another.wait_for_timeout(2000)
    expect(another.locator("#g3_out")).to_have_count(0)
    assert another.evaluate("window.g3FoundItsTab") is None
    another.locator("#tabs > .tab-nav > button", has_text="Gradio 3").click()
    expect(another.get_by_role("status").get_by_text("Loading this tab")).to_be_attached()
    expect(another.locator("#g3_out")).to_be_visible()
    another.wait_for_function("window.g3FoundItsTab")
    says(another, "chain", "first then")
    expect(another.locator(".late-note")).to_have_count(0)
    another.close()


def test_what_a_script_puts_beside_a_text_stands_above_it(page):
    """An editor of its own, as wide as the text."""
    expect(page.locator(OUT)).to_be_visible()
    sizes = page.evaluate(
        """() => {
          const text = document.querySelector("#g3_out textarea");
          const own = document.createElement("div");
          own.style.height = "40px";
          const before = text.getBoundingClientRect();
          text.parentNode.prepend(own);
          const [a, b] = [own, text].map((each) => each.getBoundingClientRect());
          own.remove();
          return [before.width, a.width, b.width, a.bottom, b.top];
        }"""
    )
    assert sizes[0] > 100
    assert sizes[0] == pytest.approx(sizes[1], abs=2) == pytest.approx(sizes[2], abs=2)
    assert sizes[3] <= sizes[4]
