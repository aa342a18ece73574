"""What some preprocessors do to the result: colours or brightness of their picture come back, or what is not
masked does. In the latent while it is sampled, and in the finished picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from extensions.controlnet.preprocessors import find_preprocessor
from extensions.controlnet.preprocessors.running import choose
from extensions.controlnet.units import ControlUnit
from webui.plugins import NetworkOutput, TimestepPreconditioning

if TYPE_CHECKING:
    from extensions.controlnet.waiting import Finish

COLOURFIX, SHARP = ("tile_colorfix", "tile_colorfix+sharp"), "tile_colorfix+sharp"
RESTORED = ("inpaint_only", "inpaint_only+lama")
# By the name of a preprocessor: to a colour space, back, and which of its channels is the brightness.
RECOLOURED = {
    "recolor_luminance": (cv2.COLOR_RGB2LAB, cv2.COLOR_LAB2RGB, 0),
    "recolor_intensity": (cv2.COLOR_RGB2HSV, cv2.COLOR_HSV2RGB, 2),
}
# How much of the blurred picture a sharpness of 1 puts into the negative prompt's.
SHARP_SHARE = 0.01
# Pixels by which a mask grows before its border is softened, and the side of the square that softens it.
BORDER = 7
# How a mask of pixels becomes one of the latent: a cell is new where anything near it is.
LATENT_CELL, LATENT_STEP, LATENT_PAD = 10, 8, 1
# Clean latents (N, C, h, w), those of the unit's picture, and which rows are prompts' -> what they become.
Change = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(slots=True)
class LatentFix:
    """Changes what each evaluation takes the clean latent for. `latents` (B or 1, C, h, w)."""

    unit: ControlUnit
    latents: Tensor
    change: Change

    def __call__(self, output: NetworkOutput) -> None:
        """Change the results of an evaluation, by as much as the unit weighs."""
        given = output.input
        if not self.unit.acts_at(given.evaluation, given.total_evaluations):
            return
        rows = output.rows
        first = [next(n for n, row in enumerate(given.rows) if row.image == each.image) for each in rows]
        latent, level = given.latent[first], given.level[first]
        clean = given.preconditioning.denoised(latent, output.result, level)
        wanted = self.latents[[row.image % len(self.latents) for row in rows]].to(clean)
        prompts = torch.tensor([row.is_prompt for row in rows], device=clean.device).view(-1, 1, 1, 1)
        moved = (self.change(clean, wanted, prompts) - clean) * min(float(self.unit.weight), 1.0)
        output.result = output.result + moved * slope_of(output, level, moved)


def slope_of(output: NetworkOutput, level: Tensor, like: Tensor) -> Tensor | float:
    """By how much a result changes where the clean latent behind it changes by 1."""
    preconditioning = output.input.preconditioning
    if not isinstance(preconditioning, TimestepPreconditioning):
        return 1.0
    alphas = preconditioning.prediction.alphas_cumprod.to(level.device)[level.long()].view(-1, 1, 1, 1)
    return -(alphas.sqrt() / (1 - alphas).sqrt()).to(like)


def blur(latent: Tensor, radius: int) -> Tensor:
    """Each place's mean over a square of 2 * radius + 1, the border's values going on beyond it."""
    padded = functional.pad(latent, (radius,) * 4, mode="replicate")
    return functional.avg_pool2d(padded, 2 * radius + 1, stride=1)


def keep_colours(clean: Tensor, wanted: Tensor, prompts: Tensor, radius: int, sharpness: float) -> Tensor:
    """Coarse parts of the unit's picture with the fine ones of the result; sharper by a blurred negative."""
    fixed = clean - blur(clean, radius) + blur(wanted, radius)
    if not sharpness:
        return fixed
    share = SHARP_SHARE * sharpness
    return torch.where(prompts, fixed, share * blur(fixed, radius) + (1 - share) * fixed)


def keep_outside(clean: Tensor, wanted: Tensor, prompts: Tensor, mask: Tensor) -> Tensor:
    """The result where the mask (B or 1, 1, h, w) is set, the unit's picture elsewhere."""
    return torch.where(mask.to(clean) > 0, clean, wanted)


def latent_mask(mask: Tensor) -> Tensor:
    """A mask of pixels (1, 1, H, W) as one of the latent (1, 1, H / 8, W / 8)."""
    return functional.max_pool2d((mask > 0.5).float(), LATENT_CELL, LATENT_STEP, LATENT_PAD)


def change_of(unit: ControlUnit, mask: Tensor | None, *, is_second_pass: bool) -> Change | None:
    """What a unit changes in each evaluation; None for nothing. `mask` (1, 1, H, W) is for inpainting."""
    entry = find_preprocessor(unit.module)
    if entry.name in COLOURFIX:
        radius = int(choose(entry, entry.threshold_a, float(unit.threshold_a))) * (2 if is_second_pass else 1)
        sharpness = choose(entry, entry.threshold_b, float(unit.threshold_b)) if entry.name == SHARP else 0.0
        return partial(keep_colours, radius=radius, sharpness=sharpness)
    if entry.name in RESTORED and mask is not None:
        return partial(keep_outside, mask=latent_mask(mask))
    return None


def recolour(picture: Image.Image, grey: NDArray[np.uint8], name: str) -> Image.Image:
    """The picture's colours with another brightness (H, W)."""
    there, back, channel = RECOLOURED[name]
    grey = np.array(Image.fromarray(grey).resize(picture.size, Image.Resampling.LANCZOS))
    pixels = np.array(cv2.cvtColor(np.array(picture.convert("RGB")), there))
    pixels[..., channel] = grey
    return Image.fromarray(np.asarray(cv2.cvtColor(pixels, back), np.uint8))


def lay_around(picture: Image.Image, original: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture where the mask (L) is white, the original elsewhere, with a soft border between them."""
    size = picture.size
    drawn = (np.array(mask.resize(size, Image.Resampling.NEAREST)) > 127).astype(np.float32)
    grown = cv2.dilate(drawn, np.ones((BORDER, BORDER), np.uint8))
    share = np.asarray(cv2.blur(grown, (BORDER, BORDER)), np.float32)[..., None]
    new, old = (
        np.array(each.convert("RGB"), np.float32)
        for each in (picture, original.resize(size, Image.Resampling.LANCZOS))
    )
    return Image.fromarray(np.rint(share * new + (1 - share) * old).clip(0, 255).astype(np.uint8))


def is_masked(unit: ControlUnit) -> bool:
    """Whether what is not masked comes back."""
    return find_preprocessor(unit.module).name in RESTORED


def finish_of(unit: ControlUnit, image: Image.Image, hint: Tensor, mask: Image.Image | None) -> Finish | None:
    """What a unit does to a finished picture. `image` and `mask` are at the pass's size, `hint` (3, H, W) is
    what the network was shown.
    """
    name = find_preprocessor(unit.module).name
    if name in RECOLOURED:
        grey = (hint[0].cpu() * 255).round().clamp(0, 255).to(torch.uint8).numpy()
        return partial(recolour, grey=grey, name=name)
    if name in RESTORED and mask is not None:
        return partial(lay_around, original=image, mask=mask)
    return None
