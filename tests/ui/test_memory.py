"""What a browser keeps of a form. tests/ui/test_killed.py uses it in one."""

import json

import gradio as gr
import pytest

from webui.ui.forms.form import Form
from webui.ui.memory import fields_of_memory, recall_script


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
