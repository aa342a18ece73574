"""The canvas: a place in the page that `assets/js/canvas.js` fills with a picture and layers to paint on."""

from html import escape
from typing import Literal

import gradio as gr

# What a canvas is for: only a picture; paint on it; a mask on it; paint that is also the mask.
CanvasKind = Literal["picture", "sketch", "mask", "inpaint-sketch"]


def make_canvas(elem_id: str, kind: CanvasKind, hint: str) -> gr.HTML:
    """An empty canvas. What it holds lives in the browser; `window.webui.canvasPictures` uploads it."""
    return gr.HTML(
        f'<div class="canvas" data-name="{elem_id}" data-kind="{kind}" data-hint="{escape(hint)}"></div>',
        elem_id=elem_id,
        elem_classes=["canvas-holder"],
        padding=False,
    )
