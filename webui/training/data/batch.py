"""What the loop is given: some pictures as the network sees them, with their captions."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class ShownSize:
    """What SDXL is told of a picture: its size on disk, where it was cut, and the size it has now. Pixels."""

    original_width: int
    original_height: int
    crop_left: int
    crop_top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class TrainingBatch:
    """`latents` (B, 4, h, w) float32, scaled as samplers take them, on the processor.

    `captions` as this epoch has them, shuffled and with words left out; `weights` (B,) of each picture in the
    loss; `mask` (B, 1, h, w) in 0 to 1, None: everything counts. `hints` (B, 3, H, W) in 0 to 1 are what a
    ControlNet is shown. `names` are the pictures' files.
    """

    latents: Tensor
    captions: tuple[str, ...]
    sizes: tuple[ShownSize, ...]
    weights: Tensor
    names: tuple[str, ...]
    mask: Tensor | None = None
    hints: Tensor | None = None
