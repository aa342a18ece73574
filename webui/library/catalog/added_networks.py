"""Upscalers and face restorers that extensions bring: functions of pictures, offered beside the files."""

from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image


@dataclass(frozen=True, slots=True)
class AddedUpscaler:
    """Makes a picture (mode RGB or RGBA) about so many times larger; `scale` is what it does at once."""

    name: str
    upscale: Callable[[Image.Image, float], Image.Image]
    scale: float = 4


@dataclass(frozen=True, slots=True)
class AddedRestorer:
    """Restores the faces of a picture (mode RGB), with a weight from 0 (changes most) to 1."""

    name: str
    restore: Callable[[Image.Image, float], Image.Image]


@dataclass(slots=True)
class AddedNetworks:
    """All of them, by name. They are called on the device's thread."""

    upscalers: dict[str, AddedUpscaler] = field(default_factory=dict[str, AddedUpscaler])
    restorers: dict[str, AddedRestorer] = field(default_factory=dict[str, AddedRestorer])

    def replace_all(self, upscalers: list[AddedUpscaler], restorers: list[AddedRestorer]) -> None:
        """Offer these and no others."""
        self.upscalers = {each.name: each for each in upscalers}
        self.restorers = {each.name: each for each in restorers}
