"""The canvases of img2img as extensions know them: components with pictures.

Ours live in the browser and stand in the page as HTML. Extensions are told of a hidden picture in the place
of each. What an event gives it is drawn on the canvas by a script; an event that reads it gets what the
canvas holds, which a script uploads just before.
"""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from webui.compat.a1111.gradio3.stubs import without_stubs

CANVAS_CLASS = "canvas-holder"
# Those on which a mask is painted: A1111 gives the picture and the mask of these.
MASKED = frozenset({"img2maskimg", "inpaint_sketch"})
PAINTED = (
    "What is painted on this canvas cannot be read by an extension's button: it goes with Generate. Send the "
    "picture to the canvas of img2img, and press the button there."
)


with without_stubs():

    class CanvasPicture(gr.Image):
        """A canvas's picture for extensions. Its element has an id of its own: the canvas has A1111's."""

        is_template = True

        def get_config(self, cls: type | None = None) -> dict[str, Any]:
            """What the browser is told."""
            return super().get_config(cls) | {"elem_id": f"{self.elem_id}_picture"}

        def preprocess(self, payload: Any) -> Any:
            """The canvas's picture, None for an empty one. Raises Error where a mask is wanted too."""
            if self.elem_id in MASKED:
                raise gr.Error(PAINTED)
            return super().preprocess(payload)


def is_canvas(given: Mapping[str, Any]) -> bool:
    """Whether these are the arguments of the HTML of one of the host's canvases."""
    return CANVAS_CLASS in (given.get("elem_classes") or ())


def stand_in(elem_id: str) -> CanvasPicture:
    """Make the picture that extensions are told of in the place of a canvas."""
    made = CanvasPicture(type="pil", label=None, visible="hidden", elem_id=elem_id)
    name = json.dumps(elem_id)
    # Empty again, so that the same picture can be given twice.
    made.change(
        None,
        [made],
        [made],
        js=f"(file) => {{ atelierHost.fillCanvas({name}, file); return [null]; }}",
        show_progress="hidden",
    )
    return made


def read_canvases(inputs: Any, script: str | bool | None) -> str | bool | None:
    """The script of an event with these inputs: it gets what canvases hold before anything else is done."""
    listed: Sequence[Any] = inputs if isinstance(inputs, list | tuple) else [inputs]
    places = [[at, each.elem_id] for at, each in enumerate(listed) if isinstance(each, CanvasPicture)]
    if not places or isinstance(script, bool):
        return script
    read = f"await atelierHost.readCanvases({json.dumps(places)}, given)"
    return f"async (...given) => ({script})(...({read}))" if script else f"async (...given) => {read}"
