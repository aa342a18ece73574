"""The panels of scripts in txt2img and img2img: built once, read at Generate, filled by infotexts."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from pydantic import JsonValue

from webui.compat.a1111.page.arguments import KEY, SCRIPTS, SELECTED, pack_value
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.extension_script import ExtensionScript
from webui.compat.a1111.page.pasting import fill_fields
from webui.compat.a1111.page.reaching import site
from webui.compat.a1111.page.script_runner import ExtensionScriptRunner, make_inside
from webui.core.errors import InvalidRequest, WebuiError
from webui.plugins.controls import GenerationControls

# What the browser keeps of a component is what it shows: so for those whose raw value is a plain one.
REMEMBERED = (
    gr.Checkbox,
    gr.CheckboxGroup,
    gr.ColorPicker,
    gr.Dropdown,
    gr.Number,
    gr.Radio,
    gr.Slider,
    gr.Textbox,
)


def runner_of(tab: str) -> ExtensionScriptRunner:
    """The scripts of a tab."""
    scripts = site("scripts")
    return scripts.scripts_img2img if tab == "img2img" else scripts.scripts_txt2img


def make_controls(tab: str) -> GenerationControls:
    """Build the panels of a tab: those that are always there, then those of the list "Script"."""
    runner = runner_of(tab)
    runner.prepare_ui()
    runner.list_titles()
    # In A1111 they lie in a group within the container; some extensions take them out of it one by one.
    with gr.Column(elem_classes=["styler", "script-container"], min_width=0):
        runner.setup_ui_for_section(None)
        for section in dict.fromkeys(each.section for each in runner.alwayson_scripts if each.section):
            runner.setup_ui_for_section(section)
    panels = build_selectable(tab, runner)
    pairs = [(script, at) for script in runner.scripts for at in range(*places_of(script))]
    components = [runner.inputs[at] for _, at in pairs]
    names = [name_of(script, at, runner.inputs[at]) for script, at in pairs]

    def read(values: Sequence[Any], chosen: str, browser: Any) -> Mapping[str, JsonValue]:  # noqa: ANN401 - gr.Request
        by_place = dict(zip((at for _, at in pairs), values, strict=True))
        return {KEY: read_panels(runner, by_place, chosen, browser)}

    def fill(infotext: str) -> Mapping[Any, Any]:
        return fill_fields(tab, infotext)

    filled = [field.component for field in site("infotext_utils").as_fields(runner.infotext_fields)]
    return GenerationControls(components, read, fill, names, filled, panels)


def build_selectable(tab: str, runner: ExtensionScriptRunner) -> dict[str, str]:
    """Build the panels of the list's scripts; the ids of their elements by title."""
    panels: dict[str, str] = {}
    for at, (title, script) in enumerate(zip(runner.titles, runner.selectable_scripts, strict=True)):
        elem_id = f"{tab}_script_panel_{at}"
        classes = ["script-panel", "listed-panel", "not-chosen"]
        with gr.Column(elem_id=elem_id, elem_classes=classes, min_width=0) as group, make_inside():
            runner.create_script_ui(script)
        script.group = group
        panels[title] = elem_id
    return panels


def places_of(script: ExtensionScript) -> tuple[int, int]:
    """Where a script's components stand among all."""
    return script.args_from or 0, script.args_to or 0


def name_of(script: ExtensionScript, at: int, component: Any) -> str:  # noqa: ANN401 - Gradio's component
    """The name of a component in the browser's memory; empty for one that is not remembered."""
    if not isinstance(component, REMEMBERED):
        return ""
    place = at - (script.args_from or 0)
    return f"{script.name}/{place}/{getattr(component, 'label', None) or ''}"


def read_panels(
    runner: ExtensionScriptRunner,
    values: Mapping[int, Any],
    chosen: str,
    browser: Any,  # noqa: ANN401 - gr.Request
) -> dict[str, JsonValue]:
    """The arguments of all scripts that have any, as JSON. Raises WebuiError."""
    found: dict[str, JsonValue] = {}
    at_first = runner.default_arguments()
    for script in runner.scripts:
        start, stop = places_of(script)
        if stop <= start or not (script.alwayson or is_titled(script, chosen)):
            continue
        title = title_of(script)
        read = [read_value(title, runner.inputs[at], values[at], browser) for at in range(start, stop)]
        if script.alwayson and are_equal(read, at_first[start:stop]):
            # As if it were not installed: requests and the files of pictures say nothing of it.
            continue
        found[title] = [pack_value(each) for each in read]
    return {SCRIPTS: found, SELECTED: chosen}


def are_equal(values: list[Any], others: list[Any]) -> bool:
    """Whether a panel holds what it held when it was built. Values of odd kinds are never equal."""
    return len(values) == len(others) and all(map(is_equal, values, others))


def is_equal(value: Any, other: Any) -> bool:  # noqa: ANN401 - whatever a component holds
    """As `are_equal`, of one component."""
    if isinstance(value, list) and isinstance(other, list):
        return are_equal(value, other)
    is_plain = value is None or isinstance(value, bool | int | float | str)
    return is_plain and isinstance(value, bool) == isinstance(other, bool) and value == other


def title_of(script: ExtensionScript) -> str:
    """A script's title in small letters."""
    title = call_extension(script.file, "title", script.title, default=script.name or "")
    return str(title).strip().lower()


def is_titled(script: ExtensionScript, title: str) -> bool:
    """Whether a script has that title."""
    return bool(title) and title_of(script) == title.strip().lower()


def read_value(title: str, component: Any, value: Any, browser: Any) -> Any:  # noqa: ANN401 - Gradio's
    """A raw value as the script gets it, by the component as it is in this browser. Raises InvalidRequest."""
    if component.stateful:
        return value
    block = component_now(component, browser)
    try:
        if value is not None and getattr(block, "data_model", None):
            value = block.data_model.model_validate(value, context={"validate_meta": True})
        return block.preprocess(value)
    except WebuiError:
        raise
    except Exception as error:
        label = getattr(component, "label", None) or getattr(component, "elem_id", None) or "a field"
        raise InvalidRequest(
            f"{title}: {label} holds {str(value)[:60]!r}, which cannot be used "
            f"({str(error)[:200] or type(error).__name__}). Choose another value there."
        ) from error


def component_now(component: Any, browser: Any) -> Any:  # noqa: ANN401 - Gradio's
    """A component as events have changed it in this browser: other choices, another range."""
    app = getattr(getattr(browser, "request", None), "app", None)
    holder, session = getattr(app, "state_holder", None), getattr(browser, "session_hash", None)
    if holder is None or not session:
        return component
    return holder[session].blocks_config.blocks.get(component._id, component)
