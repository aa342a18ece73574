"""Pages (`gr.Blocks`) as Gradio 3's: their styles, their functions as lists, whole tabs."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction

from webui.compat.a1111.gradio3.late_parts import (
    LatePart,
    describe_alone,
    finish_alone,
    hold_back,
    parts_of,
)
from webui.compat.a1111.gradio3.making import is_own
from webui.compat.a1111.gradio3.natives import is_host_module, names_of
from webui.compat.a1111.gradio3.translation import rename

Config = dict[str, Any]
# Numbers of elements that are in the page but not in Python; Gradio counts its own from 1.
PANELS_FROM = 1_000_000_000
PANELS_CLASS = "gradio3-tab-panels"
# On a page: events that only extensions are told of, and the first of their numbers.
LISTED, LISTED_FROM = "_gradio3_listed", 2_000_000_000


def wrap_blocks_init(original: Callable[..., None], styles: list[str]) -> Callable[..., None]:
    """The constructor of a page. Styles of extensions' pages are gathered: they have no page of their own."""

    @functools.wraps(original)
    def construct(self: Any, *values: Any, **given: Any) -> None:
        if not is_host_module(str(sys._getframe(1).f_globals.get("__name__"))):
            css = given.pop("css", None)
            if isinstance(css, str) and css.strip() and css not in styles:
                styles.append(css)
            given = {
                name: value
                for name, value in given.items()
                if name in ("title", "mode", "fill_width", "render")
            }
            # Without this word Gradio asks its maker for updates.
            given["analytics_enabled"] = False
            values = ()
        original(self, *values, **given)

    return construct


def wrap_ready_page(native: Any, original: Callable[..., None], styles: list[str]) -> Callable[..., None]:
    """The constructor of a page that Gradio fills by itself, such as `gr.Interface`."""
    names = names_of(native)

    @functools.wraps(original)
    def construct(self: Any, *values: Any, **given: Any) -> None:
        css = given.get("css")
        if isinstance(css, str) and css.strip() and css not in styles:
            styles.append(css)
        arguments, _ = rename(native, names, given)
        for name in ("css", "theme", "js", "head"):
            arguments.pop(name, None)
        original(self, *values, **(arguments | {"analytics_enabled": False}))

    return construct


# ---- `demo.fns` and `demo.dependencies`. ----


class FunctionList(Mapping[int, Any]):
    """The functions of a page as the list that they were; their numbers are keys still.

    `listed` are told of besides: the page does not have them.
    """

    def __init__(self, functions: dict[int, Any], listed: Sequence[Any] = ()) -> None:
        self._functions = functions
        self._all = functions | {function._id: function for function in listed}

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice) and key in self._all:
            return self._all[key]
        return list(self._all.values())[key]

    def __setitem__(self, key: int, function: Any) -> None:
        self._functions[key] = self._all[key] = function

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, value: object) -> bool:
        return value in self._all or value in self._all.values()

    def keys(self) -> Any:
        """As a dictionary's."""
        return self._all.keys()

    def values(self) -> Any:
        """As a dictionary's."""
        return self._all.values()

    def items(self) -> Any:
        """As a dictionary's."""
        return self._all.items()


def list_event(
    page: Any,
    button: Any,
    function: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    js: str,
) -> None:
    """Tell extensions of a click of a button's which the page itself does not have."""
    number = LISTED_FROM + button._id
    given: dict[str, Any] = {"preprocess": True, "postprocess": True, "inputs_as_dict": False}
    event = BlockFunction(
        function, inputs, outputs, targets=[(button._id, "click")], _id=number, js=js, **given
    )
    listed_events(page).append(event)


def listed_events(page: Any) -> list[Any]:
    """The events of a page that only extensions are told of."""
    return vars(page).setdefault(LISTED, [])


def wrap_fns(original: property) -> property:
    """`demo.fns`: what it is for Gradio and the host, a list for extensions."""
    read = original.fget

    def fns(self: Any) -> Any:
        functions = read(self) if read else {}
        name = str(sys._getframe(1).f_globals.get("__name__"))
        if is_host_module(name) or name.partition(".")[0] == "gradio":
            return functions
        return FunctionList(functions, listed_events(self))

    return property(fns)


def dependencies(page: Any) -> list[Config]:
    """`demo.dependencies`: the events of a page in the order of its functions."""
    return [as_dependency(each) for each in (*page.default_config.fns.values(), *listed_events(page))]


def as_dependency(function: Any) -> Config:
    """One event as Gradio 3 described it: elements by numbers, one trigger."""
    targets: list[tuple[int | None, str]] = function.targets
    return function.get_config() | {
        "targets": [number for number, _ in targets if number is not None],
        "trigger": targets[0][1] if targets else "",
    }


# ---- Tabs. ----


def wrap_get_config(original: Callable[..., Config]) -> Callable[..., Config]:
    """What the browser gets of a page."""

    @functools.wraps(original)
    def get_config(self: Any, renderable: Any = None) -> Config:
        part = renderable if isinstance(renderable, LatePart) else None
        config = describe_alone(part, self) if part else original(self, renderable)
        own = {number: block for number, block in self.blocks.items() if is_own(block)}
        draw_groups(config, {number for number, block in own.items() if isinstance(block, gr.Group)})
        tabs = {number for number, block in own.items() if isinstance(block, gr.Tabs)}
        if tabs:
            keep_panels(config, self.blocks, tabs)
        if part:
            finish_alone(config, self)
        elif renderable is None and parts_of(self.root_block):
            hold_back(config, self)
        return config

    return get_config


def draw_groups(config: Config, groups: set[int]) -> None:
    """Draw these groups as columns: the browser's own part writes their id twice."""
    for component in config["components"]:
        if component["id"] in groups:
            component["type"] = "column"


def keep_panels(config: Config, blocks: Mapping[int, Any], tabs: set[int]) -> None:
    """Have all panels of these tabs in the page from the start, not only the one that is chosen.

    The browser leaves out those right below the tabs. So a column comes between, which has no box of its own,
    and the tabs are told what they would have found out by themselves.
    """
    described = {component["id"]: component for component in config["components"]}
    for node in nodes_of(config["layout"]):
        if node["id"] not in tabs or not node.get("children"):
            continue
        # Gradio 3 let anything stand among the panels.
        children = node["children"]
        panels = [each for each in children if isinstance(blocks.get(each["id"]), gr.Tab)]
        strip = described[node["id"]]
        strip["props"]["initial_tabs"] = [
            describe_tab(described[panel["id"]], place) for place, panel in enumerate(panels)
        ]
        column = PANELS_FROM + int(node["id"])
        node["children"] = [{"id": column, "children": children}]
        config["components"].append(describe_column(column))
        page = blocks[node["id"]].page
        if page in config["page"]:
            config["page"][page]["components"].append(column)


def nodes_of(node: Config) -> Iterator[Config]:
    """An element of the layout and all within it, as they were when this began."""
    children = list(node.get("children") or ())
    yield node
    for child in children:
        yield from nodes_of(child)


def describe_tab(component: Config, place: int) -> Config:
    """What the strip knows of a tab, whose own description is completed."""
    props = component["props"]
    props["order"] = place
    props["component_id"] = component["id"]
    props["id"] = component["id"] if props.get("id") is None else props["id"]
    visible = props.get("visible", True)
    return {
        "label": props.get("label"),
        "id": props["id"],
        "alignment": props.get("alignment", "left"),
        "elem_id": props.get("elem_id"),
        "visible": visible is True,
        "interactive": props.get("interactive", True),
        "scale": props.get("scale"),
        "component_id": component["id"],
    }


def describe_column(number: int) -> Config:
    """A column that only holds panels of tabs."""
    props = {"elem_classes": [PANELS_CLASS], "name": "column", "visible": True, "scale": 1, "min_width": 0}
    return {
        "id": number,
        "type": "column",
        "props": props,
        "skip_api": True,
        "component_class_id": gr.Column.get_component_class_id(),
        "key": None,
    }
