"""Arguments of Gradio 3 as Gradio 6 takes them."""

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.compat.a1111.gradio3.natives import names_of, native_classes
from webui.compat.a1111.gradio3.translation import translate

NATIVES = sorted((each for each in native_classes() if each is not gr.Blocks), key=lambda each: each.__name__)
OLD_NAMES = (
    "source tool brush_color mirror_webcam show_download_button default min max lable elemn_id Interactive "
    "Variant tooltip readonly help grid css min_lines every"
)
NAMES = sorted({name for native in NATIVES for name in names_of(native)} | set(OLD_NAMES.split()))
VALUES = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["upload", "webcam", "canvas", "file"])
)


@given(st.sampled_from(NATIVES), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6), st.booleans())
def test_only_arguments_that_the_class_takes_remain_and_once_is_enough(native, arguments, complete):
    once, dropped = translate(native, arguments, complete=complete)
    assert set(once) <= set(names_of(native))
    assert not dropped & set(names_of(native))
    twice, dropped_again = translate(native, once, complete=complete)
    assert (twice, dropped_again) == (once, set())


@pytest.mark.parametrize(
    ("native", "arguments", "expected"),
    [
        (gr.Textbox, {"lable": "x", "elemn_id": "y"}, {"label": "x", "elem_id": "y"}),
        (gr.Number, {"Interactive": False}, {"interactive": False}),
        (gr.Button, {"label": "Go"}, {"value": "Go"}),
        (gr.Button, {"value": "Go", "label": "other"}, {"value": "Go"}),
        (gr.Slider, {"min": 1, "max": 5, "default": 2}, {"minimum": 1, "maximum": 5, "value": 2}),
        (gr.Slider, {"minimum": 1, "maximum": 1}, {"minimum": 1, "maximum": 2, "interactive": False}),
        (gr.Image, {"source": "upload"}, {"sources": ["upload", "clipboard"]}),
        (gr.Image, {"source": "canvas", "tool": "editor"}, {"sources": ["upload"]}),
        (gr.Video, {"source": "webcam", "mirror_webcam": True}, {"sources": ["webcam"]}),
        (gr.Image, {"show_download_button": False}, {"buttons": ["fullscreen"]}),
        (gr.Textbox, {"show_copy_button": True, "readonly": True}, None),
        (gr.File, {"type": "file", "optional": True}, {"type": "filepath"}),
        (gr.File, {"file_type": "image"}, {"file_types": ["image"]}),
        (
            gr.Row,
            {"visible": False, "Variant": "panel", "open": True},
            {"visible": "hidden", "variant": "panel"},
        ),
        (gr.Textbox, {"visible": None}, {"visible": True}),
        (gr.Gallery, {"columns": [2, 4]}, {"columns": 4}),
        (gr.Column, {"scale": 0.4, "width": 3}, {"scale": 1}),
        (gr.Markdown, {"interactive": False}, {}),
    ],
)
def test_what_extensions_write_means_the_same(native, arguments, expected):
    translated, _ = translate(native, arguments, complete=False)
    if expected is None:
        assert translated["interactive"] is False
        assert "copy" in translated["buttons"]
    else:
        assert translated == expected


def test_a_closed_accordion_is_not_what_the_browser_leaves_empty():
    opened = translate(gr.Accordion, {"open": False}, complete=False)[0]["open"]
    assert not opened
    assert opened is not False


def test_a_new_dropdown_has_no_choice_and_an_update_leaves_it():
    assert translate(gr.Dropdown, {"choices": ("a", "b")}, complete=True)[0] == {
        "choices": ["a", "b"],
        "value": None,
    }
    assert "value" not in translate(gr.Dropdown, {"choices": ["a"]}, complete=False)[0]


def test_a_new_text_field_without_a_value_is_empty_and_an_update_leaves_it():
    assert translate(gr.Textbox, {"label": "a"}, complete=True)[0]["value"] == ""
    assert translate(gr.Textbox, {"value": "b"}, complete=True)[0]["value"] == "b"
    assert "value" not in translate(gr.Textbox, {"label": "a"}, complete=False)[0]
