"""Preprocessors: they make of a picture the map that guides. Importing this loads no OpenCV, no torch."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from extensions.controlnet.preprocessors.entries import ENTRIES
from extensions.controlnet.preprocessors.registry import Preprocessor, Slider, Weight
from webui.plugins import InvalidRequest

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "PREPROCESSORS",
    "Preprocessor",
    "Slider",
    "Weight",
    "find_preprocessor",
    "preprocess",
]
PREPROCESSORS = {entry.name: entry for entry in ENTRIES}
BY_ANY_NAME = {
    name.lower(): entry
    for entry in reversed(ENTRIES)
    # The name that a value has stands above others' aliases.
    for name in (*entry.aliases, entry.name)
}


def find_preprocessor(name: str) -> Preprocessor:
    """By name or alias, in any case. Raises InvalidRequest that names close ones."""
    found = BY_ANY_NAME.get(name.strip().lower())
    if found is None:
        close = get_close_matches(name.strip().lower(), list(BY_ANY_NAME), n=1, cutoff=0.5)
        hint = f" Did you mean {BY_ANY_NAME[close[0]].name!r}?" if close else ""
        raise InvalidRequest(
            f"ControlNet: there is no preprocessor {name!r}.{hint} /controlnet/module_list names them all."
        )
    return found


def preprocess(
    module: str,
    image: Image.Image,
    resolution: int = 512,
    threshold_a: float = -1,
    threshold_b: float = -1,
    context: Any = None,  # noqa: ANN401 - a Context, or what leases as it does
    mask: Image.Image | None = None,
    *,
    seed: int = 0,
) -> Image.Image:
    """The map that a preprocessor makes of a picture of any size and mode: RGB, or RGBA for inpainting.

    Negative numbers stand for the sliders' defaults. Maps have the shorter side at `resolution`, but for
    preprocessors without that slider. `context` is needed where weights are. Raises InvalidRequest for an
    unknown name or number, NotFound with a sentence where a weight is missing, UnusableFile.
    """
    from extensions.controlnet.preprocessors.running import run  # numpy and OpenCV: not while the page opens

    entry = find_preprocessor(module)
    return run(entry, image, (resolution, threshold_a, threshold_b), context, mask, seed)


def load(home: str) -> Callable[..., Any]:
    """The function "module:name"."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)
