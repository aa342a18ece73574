"""The mapping between fields and components, without a browser."""

import gradio as gr
import pytest

from webui.ui.forms.form import Form, within


@pytest.fixture
def form():
    form = Form()
    with gr.Blocks():
        form.add("prompt", gr.Textbox())
        width = gr.Slider(64, 2048, value=512, step=8)
        form.add("width", width, within(width))
    return form


def test_what_is_written_is_read_back(form):
    updates = form.write({"prompt": "a fox", "width": 640})
    values = {component: update["value"] for component, update in updates.items()}
    assert form.read(values) == {"prompt": "a fox", "width": 640}


def test_fields_that_are_not_named_stay_as_they_are(form):
    assert list(form.write({"width": 640})) == [form.component("width")]


def test_unknown_fields_are_passed_over(form):
    assert form.component("width") not in form.write({"prompt": "a fox", "hires": True})


def test_writing_nothing_changes_nothing(form):
    (update,) = form.write({}).values()
    assert update == gr.skip()


def test_components_that_are_no_fields_are_not_read(form):
    with gr.Blocks():
        stranger = gr.Textbox()
    assert form.read({stranger: "x", form.component("prompt"): "a fox"}) == {"prompt": "a fox"}


@pytest.mark.parametrize(("value", "ends"), [(640, (64, 2048)), (4096, (64, 4096)), (8, (8, 2048))])
def test_a_slider_makes_room_for_a_value_outside(form, value, ends):
    update = form.write({"width": value})[form.component("width")]
    assert (update["minimum"], update["maximum"]) == ends


def test_a_field_is_bound_once(form):
    with gr.Blocks(), pytest.raises(AssertionError, match="prompt"):
        form.add("prompt", gr.Textbox())
