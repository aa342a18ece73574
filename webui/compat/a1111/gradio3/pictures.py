"""Pictures that are drawn upon: Gradio 3's `gr.Image(tool=…)` over Gradio 6's editor of pictures."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from webui.compat.a1111.gradio3.natives import is_native
from webui.compat.a1111.gradio3.stubs import without_stubs

DRAWING_TOOLS = ("sketch", "color-sketch")
# Gradio's brush chooses by itself for sizes given as "auto".
WHITE, BLACK = "#ffffff", "#000000"


with without_stubs():

    class DrawnImage(gr.ImageEditor):
        """A picture with what was drawn on it as one picture."""

        def __init__(self, value: Any = None, **given: Any) -> None:
            self.image_mode_given = given.pop("image_mode", "RGB")
            kinds = self.brush_of(given)
            given.pop("tool", None)
            super().__init__(value, **{"brush": kinds, "layers": gr_layers(), "transforms": ()} | given)

        def brush_of(self, given: dict[str, Any]) -> gr.Brush:
            """The brush that the arguments tell of."""
            color, radius = given.pop("brush_color", None), given.pop("brush_radius", None)
            chosen = color if isinstance(color, str) else self.usual_color
            return gr.Brush(round(radius) if radius else "auto", [chosen], chosen, "defaults")

        usual_color = BLACK

        def preprocess(self, payload: Any) -> Any:
            """The picture, drawn upon; None without one."""
            return self.read(super().preprocess(payload))

        def postprocess(self, value: Any) -> Any:
            """A picture, or what this component gave before, as the editor takes it."""
            taken: Any = value["image"] if isinstance(value, Mapping) and "image" in value else value
            return super().postprocess(taken)

        def read(self, drawn: Any) -> Any:
            """What Python gets for the editor's background, layers and both together."""
            return None if drawn is None else self.in_mode(drawn["composite"])

        def in_mode(self, picture: Any) -> Any:
            """A picture without what shines through, in the mode that was asked for."""
            mode = self.image_mode_given
            if isinstance(picture, np.ndarray):
                return np.asarray(flatten(Image.fromarray(picture), mode))
            return flatten(picture, mode) if isinstance(picture, Image.Image) else picture

    class MaskedImage(DrawnImage):
        """A picture and what was drawn on it apart: `{"image": …, "mask": …}`, the mask white where drawn."""

        usual_color = WHITE

        def read(self, drawn: Any) -> Any:
            """The picture and its mask; None without a picture."""
            if drawn is None or drawn["background"] is None:
                return None
            background = drawn["background"]
            return {
                "image": self.in_mode(background),
                "mask": self.mask_of(background, drawn["layers"] or []),
            }

        def mask_of(self, background: Any, layers: list[Any]) -> Any:
            """What was drawn on all layers, white on black."""
            is_array, is_path = isinstance(background, np.ndarray), isinstance(background, str)
            mask = Image.new("L", as_picture(background).size)
            for layer in map(as_picture, layers):
                drawn = layer.convert("RGBA").getchannel("A").point(lambda alpha: 255 if alpha else 0)
                mask.paste(255, mask=drawn.resize(mask.size, Image.Resampling.NEAREST))
            whole = Image.merge("RGB", [mask] * 3)
            if is_path:
                return super().postprocess(whole).background.path
            return np.asarray(whole) if is_array else whole


def gr_layers() -> Any:
    """One layer, and no list of layers."""
    from gradio.components.image_editor import LayerOptions

    return LayerOptions(allow_additional_layers=False, disabled=True)


def as_picture(picture: Any) -> Image.Image:
    """Any kind of picture as PIL's."""
    if isinstance(picture, np.ndarray):
        return Image.fromarray(picture)
    return Image.open(picture) if isinstance(picture, str) else picture


def flatten(picture: Image.Image, mode: str) -> Image.Image:
    """A picture in another mode; what shines through is white where the mode has no alpha."""
    if picture.mode == mode:
        return picture
    if picture.mode == "RGBA" and "A" not in mode:
        under = Image.new("RGBA", picture.size, WHITE)
        picture = Image.alpha_composite(under, picture)
    return picture.convert(mode)


def drawing_class(cls: type, given: Mapping[str, Any]) -> type | None:
    """The class that stands for a picture to be drawn upon; None for any other."""
    if not is_native(cls) or not issubclass(cls, gr.Image):
        return None
    tool, source = given.get("tool"), given.get("source", "upload")
    if tool == "color-sketch" or (source == "canvas" and tool in (None, "sketch")):
        return DrawnImage
    return MaskedImage if tool == "sketch" else None
