"""Rows, columns, groups and accordions that events of extensions show and hide.

Gradio's page tells all within a row what it tells the row: what was hidden in there would be shown with it,
and take over its classes. So such an event is answered by a hidden component before the row, by whose classes
styles show or hide what follows. An accordion is told of all else itself: its switch stands behind the
event's own outputs.
"""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block, BlockContext
from gradio.context import Context
from gradio.utils import is_prop_update

from webui.compat.a1111.gradio3.making import HIDDEN_CLASS, is_own

SWITCH_CLASS, OFF_CLASS = "gradio3-switch", "gradio3-off"
# On a row: the switch before it.
MARK = "_gradio3_switch"


def switch_of(component: Any) -> Any:
    """What an event tells in the place of a component: its switch, or the component itself."""
    return vars(component).get(MARK, component) if isinstance(component, Block) else component


def with_switches(outputs: Any) -> Any:
    """The outputs of an event, with the switches of those that may be shown and hidden. Makes them."""
    listed: list[Any] = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    switched = [each if isinstance(each, gr.Accordion) else make_switch(each) for each in listed]
    behind = [make_switch(each) for each in listed if isinstance(each, gr.Accordion)]
    added = [each for each in behind if is_switch(each)]
    return [*switched, *added] if added or isinstance(outputs, list | tuple) else switched[0]


def switches_behind(outputs: Sequence[Any]) -> list[tuple[int, int]]:
    """Where accordions stand among the outputs of an event, each with the place of its switch."""
    places = {id(each): place for place, each in enumerate(outputs) if is_switch(each)}
    return [
        (place, places[id(switch_of(each))])
        for place, each in enumerate(outputs)
        if isinstance(each, gr.Accordion) and id(switch_of(each)) in places
    ]


def without_visible(value: Any) -> Any:
    """An update without the word that its switch is told."""
    if isinstance(value, Block):
        value = value.constructor_args | {"__type__": "update"}
    return {k: v for k, v in value.items() if k != "visible"} if is_prop_update(value) else value


def make_switch(component: Any) -> Any:
    """The switch of a row, column, group or accordion of an extension's; other components as they are."""
    if not isinstance(component, gr.Row | gr.Column | gr.Group | gr.Accordion) or not is_own(component):
        return component
    if MARK in vars(component):
        return switch_of(component)
    parent = component.parent
    if not isinstance(parent, BlockContext) or component not in parent.children or Context.root_block is None:
        return component
    is_hidden = component.visible in (False, "hidden")
    block = Context.block
    Context.block = parent
    try:
        switch = gr.HTML("<i></i>", elem_classes=classes(shown=not is_hidden), padding=False)
    finally:
        Context.block = block
    parent.children.remove(switch)
    parent.children.insert(parent.children.index(component), switch)
    component.visible = True
    component.elem_classes = [each for each in component.elem_classes or () if each != HIDDEN_CLASS]
    setattr(component, MARK, switch)
    return switch


def is_switch(component: Any) -> bool:
    """Whether a component is the switch of another."""
    return isinstance(component, gr.HTML) and SWITCH_CLASS in (component.elem_classes or ())


def classes(*, shown: bool) -> list[str]:
    """The classes of a switch."""
    return [SWITCH_CLASS] if shown else [SWITCH_CLASS, OFF_CLASS]


def turn(value: Any) -> Any:
    """What a switch is told by an update to its row. Whatever else the update has is passed over."""
    update: Mapping[str, Any] = {}
    if isinstance(value, Block):
        update = value.constructor_args
    elif is_prop_update(value):
        update = value
    if "visible" not in update:
        return gr.skip()
    visible = update["visible"]
    shown = visible is None or (bool(visible) and visible != "hidden")
    return {"__type__": "update", "elem_classes": classes(shown=shown)}
