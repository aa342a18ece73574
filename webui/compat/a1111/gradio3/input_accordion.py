"""The layout of A1111's InputAccordion: a tick in the head of a part of the form opens it."""

from dataclasses import dataclass

import gradio as gr
from gradio.context import get_render_context, set_render_context


@dataclass(slots=True)
class AccordionLayout:
    """A head, in which a tick stands, and an inside that the page's styles show while it is set."""

    whole: gr.Column
    head: gr.Row
    inside: gr.Column

    def extend_head(self, elem_id: str) -> gr.Column:
        """A new column in the head, beside the tick."""
        now, parent = get_render_context(), self.head.parent
        set_render_context(self.head)
        column = gr.Column(elem_id=elem_id, elem_classes=["input-accordion-extra"], min_width=0)
        set_render_context(now)
        self.head.parent = parent
        return column


def make_layout(elem_id: str, classes: list[str], visible: object) -> AccordionLayout:
    """The layout, with nothing in it."""
    classes = ["input-accordion", *(each for each in classes if each != "input-accordion")]
    whole = gr.Column(elem_id=elem_id, elem_classes=classes, min_width=0, visible=bool(visible))
    with whole:
        head = gr.Row(elem_classes=["label-wrap", "accordion-head"])
        inside = gr.Column(elem_classes=["accordion-inside"], min_width=0)
    return AccordionLayout(whole, head, inside)
