"""The parts that only some requests have: hires fix, inpainting, refiner, loopback, outpainting."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from webui.core.image_options import Number
from webui.core.sampling import find_sampler, find_schedule
from webui.core.sizes import round_up_side

MAX_SIDE = 8192
# Days of work on any device. The list of sigmas for so many takes a megabyte; billions would take it all.
MAX_STEPS = 100_000
# Of the canvas, where it is extended.
SIDES = ("left", "right", "up", "down")
# A picture kept in the inputs folder, by the SHA-256 of its file.
ImageRef = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

ResizeMode = Literal["Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)"]
RESIZE_MODES: tuple[ResizeMode, ...] = (
    "Just resize",
    "Crop and resize",
    "Resize and fill",
    "Just resize (latent upscale)",
)
MaskedContent = Literal["fill", "original", "latent noise", "latent nothing"]
MASKED_CONTENTS: tuple[MaskedContent, ...] = ("fill", "original", "latent noise", "latent nothing")

# Upscalers of the second pass that work on the latent: how torch interpolates, and whether it smooths first.
LATENT_UPSCALERS: dict[str, tuple[str, bool]] = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}
DEFAULT_LATENT_UPSCALER = "Latent"
NO_UPSCALER = "None"


class Frozen(BaseModel):
    """A value: frozen, compared by its fields, closed to unknown ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SoftInpainting(Frozen):
    """Blending by how opaque the mask is, step by step. Names and ranges are A1111's."""

    schedule_bias: Number = Field(default=1, ge=0, le=8)
    preservation_strength: Number = Field(default=0.5, ge=0, le=8)
    transition_contrast_boost: Number = Field(default=4, ge=1, le=32)
    mask_influence: Number = Field(default=0, ge=0, le=1)
    difference_threshold: Number = Field(default=0.5, ge=0, le=8)
    difference_contrast: Number = Field(default=2, ge=0, le=8)


class Inpainting(Frozen):
    """What of the init picture is regenerated: where `mask` is white (of a picture with alpha: where opaque).

    Blur and padding are pixels of the init picture. A mask that is not rounded acts by its grey. None is for
    outpainting, whose new room is the mask.
    """

    mask: ImageRef | None = None
    mask_blur_x: int = Field(default=4, ge=0, le=256)
    mask_blur_y: int = Field(default=4, ge=0, le=256)
    mask_round: bool = True
    invert: bool = False
    masked_content: MaskedContent = "original"
    only_masked: bool = False
    padding: int = Field(default=32, ge=0, le=1024)
    soft: SoftInpainting | None = None

    @property
    def rounds(self) -> bool:
        """Whether the mask is black and white; soft inpainting needs its greys."""
        return self.mask_round and self.soft is None


class HiresFix(Frozen):
    """A second pass at a larger size.

    With `width` and `height` 0 the size is `scale` times the first; with one of them 0 it follows from the
    other; with both, the picture is scaled to cover them and cut. Empty texts and 0 steps mean: as in the
    first pass. `first_pass` is a finished picture to start the second pass from.
    """

    upscaler: str = Field(default="", description="Empty: Latent.")
    scale: Number = Field(default=2.0, ge=1, le=8)
    width: int = Field(default=0, ge=0, le=MAX_SIDE)
    height: int = Field(default=0, ge=0, le=MAX_SIDE)
    steps: int = Field(default=0, ge=0, le=MAX_STEPS)
    model: str = ""
    sampler: str = ""
    schedule: str = ""
    prompt: str = Field(default="", max_length=200_000)
    negative_prompt: str = Field(default="", max_length=200_000)
    first_pass: ImageRef | None = None

    @field_validator("sampler")
    @classmethod
    def sampler_is_known(cls, name: str) -> str:
        """Labels and aliases become the label."""
        return find_sampler(name).label if name else name

    @field_validator("schedule")
    @classmethod
    def schedule_is_known(cls, name: str) -> str:
        """Labels, names and aliases become the label."""
        return find_schedule(name).label if name else name

    @property
    def latent_mode(self) -> tuple[str, bool] | None:
        """How the latent is interpolated; None for upscalers of pictures."""
        return LATENT_UPSCALERS.get(self.upscaler or DEFAULT_LATENT_UPSCALER)


class Refiner(Frozen):
    """A second checkpoint that takes over when the share `switch_at` of the work is done."""

    model: str = Field(min_length=1)
    switch_at: Number = Field(default=0.8, ge=0, le=1)


class Loopback(Frozen):
    """img2img again and again, each time from the last result, the strength going to another value."""

    loops: int = Field(default=4, ge=1, le=32)
    final_denoising_strength: Number = Field(default=0.5, ge=0, le=1)
    curve: Literal["Aggressive", "Linear", "Lazy"] = "Linear"


class Outpainting(Frozen):
    """Room added around the init picture, pixels a side, and how it is filled before it is regenerated.

    The result is the picture, multiplied by `scale`, with its sides; it is never stretched.
    """

    left: int = Field(default=0, ge=0, le=2048)
    right: int = Field(default=0, ge=0, le=2048)
    up: int = Field(default=0, ge=0, le=2048)
    down: int = Field(default=0, ge=0, le=2048)
    fill: Literal["noise", "stretch", "mirror", "blur"] = "noise"
    # Pixels of the old picture that are regenerated with the new room, so that no seam is seen.
    blend: int = Field(default=16, ge=0, le=256)
    # Of the noise fill: how fast high frequencies fall off, and how much colours vary.
    fall_off: Number = Field(default=1.0, ge=0, le=4)
    colour_variation: Number = Field(default=0.05, ge=0, le=1)
    scale: Number = Field(default=1.0, ge=0.01, le=16)

    @property
    def has_room(self) -> bool:
        """Whether any side grows."""
        return any(getattr(self, side) for side in SIDES)

    def fit(self, width: int, height: int) -> "Outpainting":
        """With sides that make a picture of width x height a whole whose sides are multiples of 8.

        What is missing goes to the right, or to the left where that alone grows; down, or up, likewise.
        """
        inner_width, inner_height = self.scaled(width, height)
        across, down = self.left + inner_width + self.right, self.up + inner_height + self.down
        more_across, more_down = round_up_side(across) - across, round_up_side(down) - down
        changes = {
            "left" if self.left and not self.right else "right": more_across,
            "up" if self.up and not self.down else "down": more_down,
        }
        return self.model_copy(update={name: getattr(self, name) + more for name, more in changes.items()})

    def scaled(self, width: int, height: int) -> tuple[int, int]:
        """Sides of a picture of width x height before room is added."""
        scale = float(self.scale)
        return max(math.floor(width * scale + 0.5), 1), max(math.floor(height * scale + 0.5), 1)

    def whole(self, width: int, height: int) -> tuple[int, int]:
        """Sides of a picture of width x height with its room."""
        inner_width, inner_height = self.scaled(width, height)
        return self.left + inner_width + self.right, self.up + inner_height + self.down
