"""Names that Gradio had and has no more."""

from types import ModuleType
from typing import Any

import gradio as gr
from gradio.components import base
from gradio.components.base import Component

from webui.compat.a1111.gradio3.replacing import Replacements

# What A1111 1.10.1 runs on; extensions choose by it how they build their components.
VERSION = "3.41.2"


def add_names(replacements: Replacements) -> None:
    """Put them into Gradio's modules."""
    # Here, because the class must not be made before Gradio's are wrapped.
    from webui.compat.a1111.gradio3.pictures import DrawnImage, MaskedImage

    named: dict[Any, dict[str, Any]] = {
        gr: {
            "Box": gr.Group,
            "Variable": gr.State,
            "Pil": gr.Image,
            "ImageMask": MaskedImage,
            "Sketchpad": DrawnImage,
            "Paint": DrawnImage,
            "ImagePaint": DrawnImage,
            "inputs": make_namespace("inputs"),
            "outputs": make_namespace("outputs"),
            "Timeseries": gr.File,
            "StatusTracker": gr.Markdown,
            "__version__": VERSION,
        },
        gr.components: {"IOComponent": Component, "Box": gr.Group, "Variable": gr.State},
        base: {"IOComponent": Component},
        gr.layouts: {"Box": gr.Group},
    }
    for module, names in named.items():
        for name, value in names.items():
            replacements.replace(module, name, value)


def make_namespace(name: str) -> ModuleType:
    """`gr.inputs` or `gr.outputs` of Gradio 2: all components by their names."""
    module = ModuleType(f"gradio.{name}")
    for each in dir(gr):
        value = getattr(gr, each)
        if isinstance(value, type) and issubclass(value, Component):
            setattr(module, each, value)
    return module
