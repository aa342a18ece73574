"""What is drawn after the page: nothing is lost, nothing is there twice, no event reaches across."""

import copy

import gradio as gr
import pytest

from webui.compat.a1111.gradio3.late_parts import (
    FEWEST,
    KEY,
    add_late_part,
    describe_alone,
    finish_alone,
    hold_back,
    parts_of,
)

MANY = FEWEST + 5


def build(*tabs, outside=None):
    """A page with a text and a button of its own, and tabs of extensions."""
    with gr.Blocks() as page:
        text = gr.Textbox(elem_id="own_text")
        button = gr.Button(elem_id="own_button")
        for at, tab in enumerate(tabs):
            with gr.Column(elem_id=f"tab_{at}"):
                gr.HTML("<h1>A tab</h1>")
                add_late_part(f"extension-{at}", f"tab_{at}", lambda tab=tab: tab(text))
        if outside:
            outside(page, text, button)
    return page


def fill(text, *, size=MANY):
    """A tab with a text that is read, one that is written, and events that begin in it."""
    read, written = gr.Textbox("word", elem_id="read"), gr.Textbox("old", elem_id="written")
    for number in range(size):
        gr.Number(number, elem_id=f"number_{number}")
    press = gr.Button(elem_id="press")
    press.click(lambda word: (word, word), [read], [written, text]).then(lambda: "then", None, text)


def parted(page):
    """The page as it is sent first, and each part that is sent later."""
    config = copy.deepcopy(page.default_config.get_config())
    hold_back(config, page.default_config)
    late = [part for part in parts_of(page) if any(each["owner"] == part.owner for each in config[KEY])]
    parts = [describe_alone(part, page.default_config) for part in late]
    for part in parts:
        finish_alone(part, page.default_config)
    return config, parts


def numbers(config, kind):
    return [each["id"] for each in config[kind]]


def in_layout(node):
    yield node["id"]
    for child in node.get("children", []):
        yield from in_layout(child)


def test_a_page_and_its_parts_are_the_whole_page_and_events_are_with_what_they_touch():
    page = build(fill, fill)
    whole = page.default_config.get_config()
    config, parts = parted(page)
    assert len(parts) == 2
    assert [(each["tab"], each["owner"]) for each in config[KEY]] == [
        ("tab_0", "extension-0"),
        ("tab_1", "extension-1"),
    ]
    assert {"read", "written", "press", "number_0"} <= set(config[KEY][0]["ids"])
    events = [number for each in (config, *parts) for number in numbers(each, "dependencies")]
    assert sorted(events) == sorted(numbers(whole, "dependencies"))
    shown = set(numbers(config, "components"))
    # A part has the tab it stands in, with what is in the page of it.
    late = [set(numbers(part, "components")) for part in parts]
    assert shown | late[0] | late[1] == set(numbers(whole, "components"))
    assert not late[0] & late[1]
    assert all(len(each - shown) > MANY for each in late)
    for each in (config, *parts):
        assert set(in_layout(each["layout"])) - {config["layout"]["id"]} == set(numbers(each, "components"))
    for each in config["dependencies"]:
        assert set(each["inputs"]) | set(each["outputs"]) <= shown
    page_itself = config["page"][""]
    assert set(page_itself["components"]) == shown
    assert set(page_itself["dependencies"]) == set(numbers(config, "dependencies"))


def test_components_know_without_the_other_events_whether_they_can_be_changed_and_what_is_heard():
    page = build(fill)
    config, (part,) = parted(page)
    by_id = {each["props"].get("elem_id"): each["props"] for each in part["components"]}
    assert by_id["read"]["interactive"] is True
    assert by_id["written"]["interactive"] is False
    assert by_id["number_0"]["interactive"] is True
    assert by_id["press"]["attached_events"] == ["click"]
    assert by_id["read"]["attached_events"] == []
    own = {each["props"].get("elem_id"): each["props"] for each in config["components"]}
    # By the events of the page alone it would be taken for one that nothing writes into.
    assert own["own_text"]["interactive"] is False


def reach_in(page, text, button):
    target = next(block for block in page.blocks.values() if block.elem_id == "written")
    button.click(lambda: "x", None, target)


def read_at_load(page, text, button):
    target = next(block for block in page.blocks.values() if block.elem_id == "read")
    page.load(lambda: "x", None, target)


def test_a_part_into_which_the_page_reaches_stays_in_the_page():
    page = build(fill, outside=reach_in)
    whole, (config, parts) = page.default_config.get_config(), parted(page)
    assert parts == []
    assert config[KEY] == []
    assert numbers(config, "components") == numbers(whole, "components")
    assert numbers(config, "dependencies") == numbers(whole, "dependencies")


@pytest.mark.parametrize(
    ("make", "stays"),
    [
        (lambda: gr.CheckboxGroup(["a", "b"]), True),
        (lambda: gr.Dropdown(["a", "b"], multiselect=True), True),
        (lambda: gr.JSON({"a": 1}), True),
        (lambda: gr.Dropdown(["a", "b"]), False),
    ],
)
def test_what_would_tell_of_changes_that_nobody_made_is_drawn_with_the_page(make, stays):
    def heard(text):
        fill(text)
        make().change(lambda: None)

    def unheard(text):
        fill(text)
        make()

    assert (parted(build(heard))[1] == []) is stays
    assert len(parted(build(unheard))[1]) == 1


def test_what_is_loaded_in_a_part_is_loaded_with_it():
    config, (part,) = parted(build(fill, outside=read_at_load))
    assert [each["targets"][0][1] for each in part["dependencies"]].count("load") == 1
    assert not any(event == "load" for each in config["dependencies"] for _, event in each["targets"])


def test_of_two_parts_that_reach_into_each_other_only_one_is_late():
    made = {}

    def first(text):
        fill(text)
        made["box"] = gr.Textbox(elem_id="of_the_first")

    def second(text):
        fill(text)
        gr.Button(elem_id="reaches").click(lambda: "x", None, made["box"])

    config, parts = parted(build(first, second))
    assert [each["owner"] for each in config[KEY]] == ["extension-1"]
    assert len(parts) == 1
    assert made["box"]._id in numbers(config, "components")


def test_a_small_tab_is_drawn_with_the_page():
    config, parts = parted(build(lambda text: fill(text, size=3)))
    assert parts == []
    assert config[KEY] == []
