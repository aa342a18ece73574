"""What lies in the browser alone, as extensions know it: components.

The canvases of img2img stand in the page as HTML. Extensions are told of a hidden picture in the place of
each. What an event gives it is drawn on the canvas by a script; an event that reads it gets what the canvas
holds, which a script uploads just before. So with the list of scripts.
"""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components.image_editor import EditorData
from PIL import Image

from webui.compat.a1111.gradio3.stubs import without_stubs

CANVAS_CLASS = "canvas-holder"
# By the id of a canvas: what A1111's field there gives. Both apart for the one on which a mask is painted.
PARTS: Mapping[str, str] = {"img2maskimg": "masked"}
# A1111's field there gives a picture without what shines through.
WITHOUT_ALPHA = frozenset({"img_inpaint_base"})


with without_stubs():

    class CanvasPicture(gr.Image):
        """A canvas's picture for extensions. Its element has an id of its own: the canvas has A1111's.

        `part` is what of the canvas an event gets: "picture" with its paint, "original" without, "masked" for
        both apart.
        """

        is_template = True
        part = "picture"

        def get_block_name(self) -> str:
            """What draws it in the browser."""
            return "image"

        def get_config(self, cls: type | None = None) -> dict[str, Any]:
            """What the browser is told."""
            return super().get_config(cls) | {"elem_id": f"{self.elem_id}_{self.part}"}

        def reading(self) -> tuple[str, str]:
            """What the browser reads when an event wants it: of which element, and which part."""
            return str(self.elem_id), self.part

    class MaskedCanvas(CanvasPicture):
        """The canvas on which a mask is painted: `{"image": …, "mask": …}`, the mask white where painted."""

        data_model = EditorData
        part = "masked"

        def preprocess(self, payload: Any) -> Any:
            """Picture and mask; None without a picture."""
            if payload is None or payload.background is None:
                return None
            image: Any = super().preprocess(payload.background)
            layers: list[Any] = [super(MaskedCanvas, self).preprocess(each) for each in payload.layers]
            mask = layers[0].convert("L") if layers else Image.new("L", image.size)
            return {"image": image, "mask": Image.merge("RGB", [mask] * 3)}

    class ChosenScript(gr.Dropdown):
        """Which script of a tab's list is chosen, as its number; 0 for none. Lies in the browser, too."""

        is_template = True

        def __init__(self, tab: str, runner: Any) -> None:
            self._tab, self._runner = tab, runner
            super().__init__(type="index", visible="hidden", show_label=False)

        def get_block_name(self) -> str:
            """As above."""
            return "dropdown"

        def reading(self) -> tuple[str, str]:
            """As above."""
            return f"{self._tab}_script_list", "script"

        def preprocess(self, payload: Any) -> Any:
            """The number among the tab's scripts, 0 for one that is the program's own."""
            titles = [str(title).lower() for title in self._runner.titles]
            wanted = str(payload or "").lower()
            return titles.index(wanted) + 1 if wanted in titles else 0


def is_canvas(given: Mapping[str, Any]) -> bool:
    """Whether these are the arguments of the HTML of one of the host's canvases."""
    return CANVAS_CLASS in (given.get("elem_classes") or ())


def stand_in(elem_id: str) -> CanvasPicture:
    """Make the picture that extensions are told of in the place of a canvas."""
    made = make_picture(elem_id, PARTS.get(elem_id, "picture"))
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


def make_picture(elem_id: str, part: str) -> CanvasPicture:
    """A part of a canvas as a hidden picture."""
    kind = MaskedCanvas if part == "masked" else CanvasPicture
    mode = "RGB" if elem_id in WITHOUT_ALPHA else "RGBA"
    made = kind(type="pil", image_mode=mode, label=None, visible="hidden", elem_id=elem_id)
    made.part = part
    return made


def read_browser(inputs: Any, script: str | bool | None) -> str | bool | None:
    """The script of an event with these inputs: it gets what lies in the browser before anything is done."""
    listed: Sequence[Any] = inputs if isinstance(inputs, list | tuple) else [inputs]
    places = [
        [at, *each.reading()]
        for at, each in enumerate(listed)
        if isinstance(each, CanvasPicture | ChosenScript)
    ]
    if not places or isinstance(script, bool):
        return script
    read = f"await atelierHost.readBrowser({json.dumps(places)}, given)"
    return f"async (...given) => ({script})(...({read}))" if script else f"async (...given) => {read}"
