"""A part of the form that a tick in its head switches on and opens, as A1111's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True, slots=True)
class InputAccordion:
    """The tick, and the line of the head beside it."""

    enabled: gr.Checkbox
    line: gr.HTML


@contextmanager
def input_accordion(label: str, elem_id: str, line_id: str | None = None) -> Iterator[InputAccordion]:
    """Build the inside within the block. css/fields.css hides it while the tick is off; its values stay."""
    with gr.Column(elem_id=elem_id, elem_classes=["input-accordion"], min_width=0):
        with gr.Row(elem_classes=["label-wrap", "accordion-head"]):
            enabled = gr.Checkbox(
                value=False,
                label=label,
                elem_id=f"{elem_id}-checkbox",
                elem_classes=["accordion-tick"],
                container=False,
                min_width=0,
            )
            line = gr.HTML("", elem_id=line_id, elem_classes=["accordion-line"])
        with gr.Column(elem_classes=["accordion-inside"], min_width=0):
            yield InputAccordion(enabled, line)
