"""Panels of extensions in the tab Extras: built once, read at Generate."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from pydantic import JsonValue

from webui.compat.a1111.page.arguments import KEY, pack_value, unpack_value
from webui.compat.a1111.page.extras_scripts import ExtrasScript, ExtrasScriptRunner
from webui.compat.a1111.page.panels import REMEMBERED, read_value
from webui.compat.a1111.page.reaching import site
from webui.compat.a1111.page.script_runner import default_of
from webui.plugins.controls import GenerationControls

# In `request.extras["a1111"]` of a request of Extras: name of a script -> name of an argument -> value.
EXTRAS = "extras"


def make_extras_controls() -> GenerationControls:
    """Build the panels of all scripts of Extras."""
    runner: ExtrasScriptRunner = site("scripts").scripts_postproc
    components = runner.setup_ui()
    places = [
        (script, name) for script in runner.scripts_in_preferred_order() for name in script.controls or {}
    ]

    def read(values: Sequence[Any], chosen: str, browser: Any) -> Mapping[str, JsonValue]:  # noqa: ANN401 - gr.Request
        found: dict[str, JsonValue] = {}
        for (script, name), component, value in zip(places, components, values, strict=True):
            own = found.setdefault(str(script.name), {})
            assert isinstance(own, dict), "made above"
            own[name] = pack_value(read_value(str(script.name), component, value, browser))
        return {KEY: {EXTRAS: found}} if found else {}

    names = [
        name_of(script, name, component) for (script, name), component in zip(places, components, strict=True)
    ]
    return GenerationControls(components, read, names=names)


def name_of(script: ExtrasScript, argument: str, component: Any) -> str:  # noqa: ANN401 - Gradio's component
    """The name of a component in the browser's memory; empty for one that is not remembered."""
    return f"{script.name}/{argument}" if isinstance(component, REMEMBERED) else ""


def built_extras_runner() -> ExtrasScriptRunner:
    """The scripts of Extras with their panels, which are built here where there is no page."""
    runner: ExtrasScriptRunner = site("scripts").scripts_postproc
    if not runner.ui_created and runner.scripts_in_preferred_order():
        with gr.Blocks(analytics_enabled=False):
            runner.setup_ui()
    return runner


def arguments_of(runner: ExtrasScriptRunner, values: JsonValue) -> list[Any]:
    """The values of all panels, as a request has them; else what they hold when the page opens."""
    own = values.get(EXTRAS) if isinstance(values, dict) else None
    given = own if isinstance(own, dict) else {}
    return [
        argument_of(given.get(str(script.name)), name, control)
        for script in runner.scripts_in_preferred_order()
        for name, control in (script.controls or {}).items()
    ]


def argument_of(given: JsonValue, name: str, control: Any) -> Any:  # noqa: ANN401 - whatever it holds
    """One argument of a script."""
    return unpack_value(given[name]) if isinstance(given, dict) and name in given else default_of(control)
