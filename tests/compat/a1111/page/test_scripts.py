"""Scripts: made twice, their panels and arguments, their methods in order, each on its own."""

from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import gradio as gr
import pytest

from webui.compat.a1111.host import ExtensionHost

METHODS = {
    "before_process": {},
    "process": {},
    "before_process_batch": {"batch_number": 0, "prompts": []},
    "after_extra_networks_activate": {"extra_network_data": {}},
    "process_batch": {"batch_number": 0},
    "process_before_every_sampling": {"x": 1},
    "before_hr": {},
}
WITH_ONE = [
    "postprocess",
    "postprocess_batch_list",
    "post_sample",
    "on_mask_blend",
    "postprocess_image",
    "postprocess_maskoverlay",
    "postprocess_image_after_composite",
]
SOURCE = """
import gradio as gr
from modules import scripts

where = scripts.basedir()


class Panel(scripts.Script):
    def title(self):
        return "My Panel"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        text = gr.Textbox("hi", label="Text", elem_id=self.elem_id("text"))
        amount = gr.Slider(0, 10, value=3, step=1, label="Amount")
        self.infotext_fields = [(text, "My text")]
        self.paste_field_names = ["My text"]
        return text, amount

    def before_component(self, component, **kwargs):
        seen.append(("before", kwargs.get("elem_id")))

    def after_component(self, component, **kwargs):
        seen.append(("after", kwargs.get("elem_id")))


class Chosen(scripts.Script):
    def title(self):
        return "My Script"

    def show(self, is_img2img):
        return not is_img2img

    def ui(self, is_img2img):
        return [gr.Checkbox(True, label="On")]

    def run(self, p, on):
        return ("ran", p, on)


class Plain(scripts.Script):
    def title(self):
        return "Plain"

    def show(self, is_img2img):
        return scripts.AlwaysVisible


seen = []
"""
ONE_METHOD = """
    def {name}(self, p, {given}*args, **named):
        seen.append(("{name}", {given}args, named))
"""
OWN = [("setup", ""), *((name, "") for name in METHODS), *((name, "one, ") for name in WITH_ONE)]
OWN_METHODS = "".join(ONE_METHOD.format(name=name, given=given) for name, given in OWN)
SOURCE = SOURCE.replace("\n\nclass Chosen", f"{OWN_METHODS}\n\nclass Chosen", 1)


def load(scripts: ModuleType, folder: Path, source: str, name: str = "mine") -> ModuleType:
    """Run a script of an extension and note its classes, as the host does."""
    file = folder / name / "scripts" / "mine.py"
    file.parent.mkdir(parents=True)
    file.write_text(source)
    module = ModuleType("mine.py")
    scripts.current_basedir = str(folder / name)
    exec(compile(source, str(file), "exec"), module.__dict__)
    scripts.current_basedir = None
    scripts.register_scripts_from_module(module, scripts.ScriptFile(str(folder / name), "mine.py", str(file)))
    return module


@pytest.fixture
def scripts(host: ExtensionHost):
    return import_module("modules.scripts")


def build(runner, is_img2img: bool = False):
    runner.initialize_scripts(is_img2img)
    with gr.Blocks():
        runner.prepare_ui()
        return runner.setup_ui()


def test_basedir_is_the_extensions_while_it_is_loaded(scripts, host, tmp_path):
    assert load(scripts, tmp_path, SOURCE).where == str(tmp_path / "mine")
    assert scripts.basedir() == str(host.root)


def test_each_tab_has_scripts_of_its_own_and_those_that_are_shown_there(scripts, tmp_path):
    load(scripts, tmp_path, SOURCE)
    build(scripts.scripts_txt2img)
    build(scripts.scripts_img2img, is_img2img=True)
    own = scripts.scripts_txt2img, scripts.scripts_img2img
    assert [[each.title() for each in runner.scripts] for runner in own] == [
        ["My Panel", "My Script", "Plain"],
        ["My Panel", "Plain"],
    ]
    assert own[0].alwayson_scripts[0] is not own[1].alwayson_scripts[0]
    assert own[1].alwayson_scripts[0].elem_id("text") == "script_img2img_my_panel_text"
    assert own[0].titles == ["My Script"]


def test_arguments_stand_behind_one_another_after_the_list(scripts, tmp_path):
    load(scripts, tmp_path, SOURCE)
    inputs = build(scripts.scripts_txt2img)
    panel, plain = scripts.scripts_txt2img.alwayson_scripts
    chosen = scripts.scripts_txt2img.selectable_scripts[0]
    assert (panel.args_from, panel.args_to) == (1, 3)
    assert (plain.args_from, plain.args_to) == (3, 3)
    assert (chosen.args_from, chosen.args_to) == (3, 4)
    assert len(inputs) == 4
    assert scripts.scripts_txt2img.default_arguments() == [0, "hi", 3, True]
    assert scripts.scripts_txt2img.run("p", 1, "hi", 3, False) == ("ran", "p", False)
    assert scripts.scripts_txt2img.run("p", 0, "hi", 3, False) is None


def test_panels_are_described_to_clients(scripts, tmp_path):
    load(scripts, tmp_path, SOURCE)
    build(scripts.scripts_txt2img)
    info = scripts.scripts_txt2img.alwayson_scripts[0].api_info
    assert (info.name, info.is_alwayson, info.is_img2img) == ("my panel", True, False)
    assert [(each.label, each.value, each.maximum) for each in info.args] == [
        ("Text", "hi", None),
        ("Amount", 3, 10),
    ]
    assert scripts.scripts_txt2img.paste_field_names == ["My text"]
    assert scripts.scripts_txt2img.infotext_fields[0][1] == "My text"


@pytest.mark.parametrize("method", METHODS)
def test_methods_get_the_scripts_own_arguments(scripts, tmp_path, method):
    module = load(scripts, tmp_path, SOURCE)
    build(scripts.scripts_txt2img)
    p = SimpleNamespace(script_args=[0, "text", 7, True])
    getattr(scripts.scripts_txt2img, method)(p, **METHODS[method])
    assert module.seen[-1] == (method, ("text", 7), METHODS[method])


@pytest.mark.parametrize("method", WITH_ONE)
def test_methods_with_a_value_get_it_first(scripts, tmp_path, method):
    module = load(scripts, tmp_path, SOURCE)
    build(scripts.scripts_txt2img)
    p = SimpleNamespace(script_args=(0, "text", 7, True))
    getattr(scripts.scripts_txt2img, method)(p, "one")
    assert module.seen[-1] == (method, "one", ("text", 7), {})


def test_setup_and_components_are_told(scripts, tmp_path):
    module = load(scripts, tmp_path, SOURCE)
    runner = scripts.scripts_txt2img
    build(runner)
    told: list[object] = []
    runner.alwayson_scripts[0].on_after_component(told.append, elem_id="txt2img_prompt")
    runner.apply_on_before_component_callbacks()
    runner.before_component("component", elem_id="txt2img_prompt")
    runner.after_component("component", elem_id="txt2img_prompt")
    assert module.seen[-2:] == [("before", "txt2img_prompt"), ("after", "txt2img_prompt")]
    assert [each.component for each in told] == ["component"]
    runner.setup_scripts(SimpleNamespace(script_args=[0, "text", 7, True]))
    assert module.seen[-1] == ("setup", ("text", 7), {})


FAILING = """
from modules import scripts


class Bad(scripts.Script):
    def title(self):
        raise RuntimeError("no title")

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        raise SystemExit("no panel")

    def process(self, p):
        raise ValueError("no process")


class Worse(scripts.Script):
    def __init__(self):
        raise KeyError("no script")
"""


def test_one_that_fails_does_not_disturb_the_others(scripts, host, tmp_path):
    record = host.health.add("bad", tmp_path / "bad")
    load(scripts, tmp_path, FAILING, "bad")
    module = load(scripts, tmp_path, SOURCE)
    inputs = build(scripts.scripts_txt2img)
    assert len(inputs) == 4
    scripts.scripts_txt2img.process(SimpleNamespace(script_args=[0, "text", 7, True]))
    assert module.seen[-1] == ("process", ("text", 7), {})
    assert scripts.scripts_txt2img.script("my panel").title() == "My Panel"
    assert {each.where for each in record.failures} == {"show", "ui", "process", "title"}


def test_a_copy_with_fewer_scripts_calls_those_alone(scripts, tmp_path):
    import copy

    module = load(scripts, tmp_path, SOURCE)
    build(scripts.scripts_txt2img)
    p = SimpleNamespace(script_args=[0, "text", 7, True])
    scripts.scripts_txt2img.process(p)
    fewer = copy.copy(scripts.scripts_txt2img)
    fewer.alwayson_scripts = fewer.alwayson_scripts[1:]
    fewer.process(p)
    assert [each[0] for each in module.seen].count("process") == 1
    scripts.scripts_txt2img.process(p)
    assert [each[0] for each in module.seen].count("process") == 2


def test_a_named_argument_is_set(scripts, tmp_path):
    load(scripts, tmp_path, SOURCE)
    build(scripts.scripts_txt2img)
    args = scripts.scripts_txt2img.default_arguments()
    scripts.scripts_txt2img.set_named_arg(args, "my panel", "text", "new")
    assert args == [0, "new", 3, True]
    with pytest.raises(RuntimeError):
        scripts.scripts_txt2img.set_named_arg(args, "my panel", "none", "new")


def test_panels_that_are_built_again_for_another_tab_leave_those_of_the_tab(scripts, tmp_path):
    load(scripts, tmp_path, SOURCE)
    runner = scripts.scripts_txt2img
    inputs = list(build(runner))
    before = [(each, each.args_from, each.args_to) for each in runner.scripts]
    runner.is_settled = True
    runner.initialize_scripts(is_img2img=False)
    with gr.Blocks():
        first = runner.setup_ui()
        runner.prepare_ui()
        second = runner.setup_ui()
    assert [(each, each.args_from, each.args_to) for each in runner.scripts] == before
    assert runner.inputs == inputs
    for again in (first, second):
        assert [type(each) for each in again] == [type(each) for each in inputs]
        assert not {id(each) for each in again} & {id(each) for each in inputs}
    assert first[0] is not second[0]
