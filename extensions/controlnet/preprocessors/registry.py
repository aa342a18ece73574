"""What a preprocessor is: its name, the control types it belongs to, its sliders, the weights it needs."""

from dataclasses import dataclass
from typing import Literal

ControlType = Literal[
    "Canny",
    "Depth",
    "NormalMap",
    "OpenPose",
    "MLSD",
    "Lineart",
    "SoftEdge",
    "Scribble",
    "Segmentation",
    "Shuffle",
    "Tile",
    "Blur",
    "Inpaint",
    "InstructP2P",
    "Reference",
    "Recolor",
    "T2I-Adapter",
    "IP-Adapter",
]
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Slider:
    """A number that the artist chooses."""

    label: str
    minimum: float
    maximum: float
    value: float
    step: float


@dataclass(frozen=True, slots=True)
class Weight:
    """A file that a preprocessor computes with. `folder` is its own below the annotators' folders.

    `size_bytes` is about; `link` leads to the file, empty where the page cannot fetch it, `page` to what its
    makers tell of it. `tensor` is one that no other detector's file has, by which it is found where it was
    given another name; `other_files` are names that it is known by too.
    """

    file: str
    size_bytes: int
    licence: str
    link: str
    page: str
    folder: str = ""
    tensor: str = ""
    other_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preprocessor:
    """One entry of the list. `home` is "module:function", loaded when it is first used.

    Slots are the sliders for resolution, threshold A and threshold B; None where it has none.
    `needs_model` is False where it guides without a control network. `changes_result`: the result gets
    something of the unit's picture (`finishing`).
    """

    name: str
    types: tuple[ControlType, ...]
    home: str
    about: str
    resolution: Slider | None = None
    threshold_a: Slider | None = None
    threshold_b: Slider | None = None
    aliases: tuple[str, ...] = ()
    weights: tuple[Weight, ...] = ()
    needs_model: bool = True
    changes_result: bool = False

    @property
    def sliders(self) -> tuple[Slider | None, Slider | None, Slider | None]:
        """Those of resolution, threshold A and threshold B."""
        return self.resolution, self.threshold_a, self.threshold_b


RESOLUTION = Slider("Preprocessor Resolution", 64, 2048, 512, 8)
