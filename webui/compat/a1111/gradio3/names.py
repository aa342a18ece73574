"""Names that Gradio had and has no more."""

import base64
import io
import sys
from types import ModuleType
from typing import Any

import gradio as gr
import numpy as np
from gradio import events, processing_utils, templates
from gradio.components import base
from gradio.components.base import Component
from PIL import Image

from webui.compat.a1111.gradio3.old_events import event_classes
from webui.compat.a1111.gradio3.replacing import Replacements

# What A1111 1.10.1 runs on; extensions choose by it how they build their components.
VERSION = "3.41.2"


def add_names(replacements: Replacements) -> None:
    """Put them into Gradio's modules."""
    # Here, because the class must not be made before Gradio's are wrapped.
    from webui.compat.a1111.gradio3.pictures import DrawnImage, MaskedImage

    pictures: dict[str, Any] = {
        "Pil": gr.Image,
        "Webcam": gr.Image,
        "ImageMask": MaskedImage,
        "Sketchpad": DrawnImage,
        "Paint": DrawnImage,
        "ImagePaint": DrawnImage,
    }
    parts: dict[str, Any] = {
        "Box": gr.Group,
        "Variable": gr.State,
        "Timeseries": gr.File,
        "TimeSeries": gr.File,
        "StatusTracker": gr.Markdown,
    }
    namespaces = {each: make_namespace(each) for each in ("inputs", "outputs")}
    named: dict[Any, dict[str, Any]] = {
        gr: {**pictures, **parts, **namespaces, "__version__": VERSION},
        gr.components: {"IOComponent": Component, "Column": gr.Column, "Row": gr.Row, **parts},
        base: {"IOComponent": Component},
        gr.layouts: {"Box": gr.Group},
        events: event_classes(),
        templates: pictures,
        processing_utils: {
            "decode_base64_to_image": decode_base64_to_image,
            "encode_pil_to_base64": encode_pil_to_base64,
            "encode_array_to_base64": encode_array_to_base64,
        },
    }
    for module, names in named.items():
        for name, value in names.items():
            replacements.replace(module, name, value)
    for module in namespaces.values():
        replacements.replace_item(sys.modules, module.__name__, module)


def decode_base64_to_image(encoding: str) -> Image.Image:
    """The picture in a data URL."""
    return Image.open(io.BytesIO(base64.b64decode(encoding.rpartition(",")[2])))


def encode_pil_to_base64(pil_image: Image.Image) -> str:
    """A data URL with a picture as PNG."""
    return (
        "data:image/png;base64," + base64.b64encode(processing_utils.encode_pil_to_bytes(pil_image)).decode()
    )


def encode_array_to_base64(image_array: np.ndarray) -> str:
    """A data URL with a picture of the shape (height, width, channels), of 0 to 255, as PNG."""
    return encode_pil_to_base64(Image.fromarray(np.asarray(image_array, np.uint8)))


def make_namespace(name: str) -> ModuleType:
    """`gr.inputs` or `gr.outputs` of Gradio 2: all components by their names."""
    module = ModuleType(f"gradio.{name}")
    for each in dir(gr):
        value = getattr(gr, each)
        if isinstance(value, type) and issubclass(value, Component):
            setattr(module, each, value)
    return module
