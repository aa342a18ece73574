"""A community script with the name of one of ours: who is meant, in calls, lists and by default."""

from importlib import import_module

import pytest

from extensions.dynamic_prompts.plugin import part_unasked
from tests.compat.a1111.page.test_scripts import load
from webui.api.sdapi.bodies import Txt2ImgBody
from webui.api.sdapi.machine import own_names
from webui.api.sdapi.scripts import script_fields
from webui.compat.a1111.hooks import page
from webui.compat.a1111.page import api_scripts

SOURCE = """
import gradio as gr
from modules import script_callbacks, scripts, shared


def add_settings():
    shared.opts.add_option("namesake_word", shared.OptionInfo("a word", "Word", section=("mine", "Mine")))


class Panel(scripts.Script):
    def __init__(self):
        script_callbacks.on_ui_settings(add_settings)

    def title(self):
        return "Dynamic Prompts v2.17.1"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return [gr.Checkbox(True, label="On")]


class Plot(scripts.Script):
    def title(self):
        return "Prompt matrix"

    def ui(self, is_img2img):
        return [gr.Textbox("", label="Way")]


class Threshold(Panel):
    def title(self):
        return "Dynamic Thresholding (CFG Scale Fix)"
"""


@pytest.fixture
def plugins(ready_host, tmp_path):
    ready_host.ready.plugins.register(page, "a1111 page")
    load(import_module("modules.scripts"), tmp_path, SOURCE)
    return ready_host.ready.plugins


def fields_of(plugins, **asked):
    return script_fields(Txt2ImgBody(**asked), {}, plugins, None)  # pyright: ignore[reportArgumentType] - no pictures


def test_the_communitys_is_meant_and_ours_has_a_name_of_its_own(plugins):
    name = "Dynamic Thresholding (CFG Scale Fix)"
    extras = fields_of(plugins, alwayson_scripts={name: {"args": [False]}})["extras"]
    assert list(extras) == ["a1111"]
    extras = fields_of(plugins, alwayson_scripts={f"{name} (integrated)": {"args": [True, 5]}})["extras"]
    assert "a1111" not in extras and len(extras) == 1
    fields = fields_of(plugins, script_name="prompt matrix", script_args=["x"])
    assert fields["extras"]["a1111"]["selected"] == "prompt matrix" and "script" not in fields
    assert fields_of(plugins, script_name="Prompt matrix (integrated)")["script"] == "Prompt matrix"
    assert plugins.script("Prompt matrix (integrated)") is plugins.script("prompt matrix")


def test_no_name_stands_twice_among_those_that_may_be_asked_for(plugins, ready_host):
    names = own_names(ready_host.ready, "txt2img")
    names += [each["name"] for each in api_scripts.describe_all() if not each["is_img2img"]]
    assert len(names) == len(set(names))
    assert {"prompt matrix", "prompt matrix (integrated)"} <= set(names)


def test_templates_are_left_to_the_communitys_unless_ours_is_asked_for(plugins, ready_host):
    class Run:
        plugins = ready_host.ready.plugins

    assert part_unasked(Run()) is None  # pyright: ignore[reportArgumentType]
    ready_host.ready.plugins.unregister("a1111 page")
    assert part_unasked(Run()) is not None  # pyright: ignore[reportArgumentType]


def test_settings_that_a_script_registers_when_it_is_made_are_there(plugins):
    api_scripts.built_runner("txt2img")
    assert import_module("modules.shared").opts.namesake_word == "a word"


def test_the_plot_has_what_extensions_take_and_replace_in_it(plugins):
    grid = import_module("scripts.xyz_grid")
    assert grid.process_images is import_module("modules.processing").process_images
    assert grid.re_range.fullmatch("1-5 (+2)").groups() == ("1", "5", "+2")
    assert grid.re_range_count_float.fullmatch("0.5 - 1 [3]").groups() == ("0.5", "1", "3")
    assert grid.re_range.fullmatch("1-5 [3]") is None


def test_what_infotexts_tell_of_a_name_is_the_communitys(plugins):
    entries = {"Dynamic thresholding enabled": "True", "Mimic scale": "9"}
    own = next(part for part in plugins.parts.values() if part.title == "Dynamic thresholding")
    assert own.from_infotext(entries) is not None
    assert own.key not in plugins.read_infotext(entries)
    others = {"Skip-layer guidance": "1", "FreeU Stages": "[]"}
    assert set(plugins.read_infotext(others)) == {
        part.key for part in plugins.parts.values() if part.from_infotext(others) is not None
    }
