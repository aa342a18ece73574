"""Names that packages had in A1111's time and have no more, for extensions and for packages of that time.

They are added where there are none, while the host is there. What is there is left as it is.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

# Modules under their former names, which one imports at most: a module of today with the same functions.
MOVED = {"torchvision.transforms.functional_tensor": "torchvision.transforms._functional_tensor"}


def font_size(self: Any, text: str, *values: Any, **given: Any) -> tuple[int, int]:  # noqa: ANN401
    """`font.getsize`: how wide and high a text is, in pixels, from where it is drawn."""
    box = self.getbbox(text, *values, **given)
    return int(box[2]), int(box[3])


def text_size(
    self: ImageDraw.ImageDraw,
    text: str,
    font: Any = None,  # noqa: ANN401 - any of Pillow's
    **given: Any,  # noqa: ANN401
) -> tuple[int, int]:
    """`draw.textsize`: how wide and high a text is, in pixels, from where it is drawn."""
    box = self.textbbox((0, 0), text, font, **given)
    return int(box[2]), int(box[3])


class PlainRadius:
    """The radius of a blur, which may be a number of numpy's."""

    def __get__(self, blur: Any, kind: type | None = None) -> Any:  # noqa: ANN401
        """A number, or two."""
        return self if blur is None else vars(blur)["radius"]

    def __set__(self, blur: Any, radius: Any) -> None:  # noqa: ANN401
        """Pillow of today compares it with a tuple, which numpy's numbers do place by place."""
        vars(blur)["radius"] = radius.item() if isinstance(radius, np.generic) else radius


ADDED: tuple[tuple[Any, str, Any], ...] = (
    (Image, "ANTIALIAS", Image.Resampling.LANCZOS),
    (Image, "LINEAR", Image.Resampling.BILINEAR),
    (Image, "CUBIC", Image.Resampling.BICUBIC),
    (ImageFilter.GaussianBlur, "radius", PlainRadius()),
    (ImageFilter.BoxBlur, "radius", PlainRadius()),
    (ImageFont.FreeTypeFont, "getsize", font_size),
    (ImageFont.ImageFont, "getsize", font_size),
    (ImageDraw.ImageDraw, "textsize", text_size),
    (ImageDraw.ImageDraw, "multiline_textsize", text_size),
)


class MovedModules(MetaPathFinder, Loader):
    """Finds modules by their former names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module that was moved."""
        place = MOVED.get(fullname)
        return ModuleSpec(fullname, self, origin=place) if place and find_spec(place) else None

    def exec_module(self, module: ModuleType) -> None:
        """Give it what the module of today has."""
        found = importlib.import_module(MOVED[module.__name__])
        vars(module).update({name: value for name, value in vars(found).items() if not name.startswith("__")})


class OldNames:
    """What was added, to be taken away."""

    def __init__(self) -> None:
        self.added: list[tuple[Any, str]] = []
        self.finder = MovedModules()

    def add(self) -> None:
        """Add what is not there."""
        for owner, name, value in ADDED:
            if not hasattr(owner, name):
                setattr(owner, name, value)
                self.added.append((owner, name))
        # Behind Python's own, which finds it where the package still has it.
        sys.meta_path.append(self.finder)

    def take_away(self) -> None:
        """Take it away again. Safe to call twice."""
        while self.added:
            owner, name = self.added.pop()
            if hasattr(owner, name):
                delattr(owner, name)
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        for name in MOVED:
            if isinstance(getattr(sys.modules.get(name), "__loader__", None), MovedModules):
                del sys.modules[name]
