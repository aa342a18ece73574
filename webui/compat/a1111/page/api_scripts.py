"""Scripts of extensions as API clients see and name them."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from webui.compat.a1111.layout import SITE
from webui.compat.a1111.page.extension_script import ExtensionScript
from webui.compat.a1111.page.panels import runner_of, title_of
from webui.compat.a1111.page.script_runner import ExtensionScriptRunner

TABS = ("txt2img", "img2img")


def built_runner(tab: str) -> ExtensionScriptRunner:
    """The scripts of a tab with their panels, which are built here where there is no page."""
    runner = runner_of(tab)
    if not runner.scripts:
        runner.initialize_scripts(is_img2img=tab == "img2img")
    if runner.scripts and all(script.args_to is None for script in runner.scripts):
        with gr.Blocks(analytics_enabled=False):
            runner.prepare_ui()
            runner.setup_ui()
    return runner


def find_script(name: str, tab: str, *, is_selected: bool) -> ExtensionScript | None:
    """The script of a title, in the list or with a panel of its own."""
    runner = built_runner(tab)
    candidates = runner.selectable_scripts if is_selected else runner.alwayson_scripts
    wanted = name.strip().lower()
    own = (each for each in candidates if is_of_extension(each))
    return next((each for each in own if wanted in (title_of(each), each.name)), None)


def is_of_extension(script: ExtensionScript) -> bool:
    """Whether an extension brings it: others stand for what the program has itself under the same name."""
    return not Path(script.file).resolve().is_relative_to(SITE.parent)


def describe_all() -> list[dict[str, Any]]:
    """The scripts of both tabs with their arguments."""
    return [described for tab in TABS for described in descriptions(built_runner(tab))]


def descriptions(runner: ExtensionScriptRunner) -> Iterator[dict[str, Any]]:
    """Those of one tab."""
    for script in filter(is_of_extension, runner.scripts):
        info = script.api_info
        args = [as_json(asdict(each)) for each in info.args] if info is not None else []
        yield {
            "name": title_of(script),
            "is_alwayson": script.alwayson,
            "is_img2img": script.is_img2img,
            "args": args,
        }


def as_json(described: dict[str, Any]) -> dict[str, Any]:
    """A component's description with plain values alone."""
    value = described["value"]
    plain = value is None or isinstance(value, bool | int | float | str | list)
    return described | {"value": value if plain else str(value)}
