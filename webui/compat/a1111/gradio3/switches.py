"""Rows, columns and groups that events of extensions show and hide.

Gradio's page tells all within a row what it tells the row: what was hidden in there would be shown with it,
and take over its classes. So such an event is answered by a hidden component before the row, by whose classes
styles show or hide what follows.
"""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

from collections.abc import Mapping, Sequence
from typing import Any, cast

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
    if isinstance(outputs, list | tuple):
        return [make_switch(each) for each in cast(Sequence[Any], outputs)]
    return make_switch(outputs)


def make_switch(component: Any) -> Any:
    """The switch of a row, column or group of an extension's; other components as they are."""
    if not isinstance(component, gr.Row | gr.Column | gr.Group) or not is_own(component):
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
