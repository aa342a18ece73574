"""What a browser keeps of a form. tests/ui/test_killed.py uses it in one."""

import json

import gradio as gr
import pytest

from webui.ui.forms.form import Form
from webui.ui.memory import fields_of_memory, recall_script, wire_memory


@pytest.mark.parametrize("stored", [None, "", "{", "[1]", '"x"'])
def test_a_broken_memory_is_an_empty_one(stored):
    assert fields_of_memory(stored, ["prompt"]) == {}


def test_a_memory_of_an_older_page_gives_what_is_still_known():
    assert fields_of_memory(json.dumps({"prompt": "a fox", "gone": 1}), ["prompt", "new"]) == {
        "prompt": "a fox"
    }


def test_the_script_names_the_fields_and_their_elements_in_order():
    form = Form()
    with gr.Blocks():
        form.add("b", gr.Textbox(elem_id="its_b"))
        form.add("a", gr.Textbox())
    assert '["key"] = [["b", "its_b"], ["a", null]];' in recall_script(form, "key")


def test_each_field_has_an_event_of_its_own_that_reads_that_field_alone():
    form = Form()
    with gr.Blocks() as page:
        for name in ("a", "b", "c"):
            form.add(name, gr.Textbox())
        wire_memory(page, form, "txt2img")
    changes = [each for each in page.fns.values() if ("change" in {event for _, event in each.targets})]
    assert [[block._id for block in each.inputs] for each in changes] == [
        [number for number, _ in each.targets] for each in changes
    ]
    assert [[block._id] for block in form.components] == [[each.inputs[0]._id] for each in changes]
