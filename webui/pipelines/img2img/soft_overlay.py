"""Soft inpainting's overlay: the original is kept where the new picture hardly differs from it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.linalg import vector_norm

from webui.core.request import GenerationRequest
from webui.core.request_parts import SoftInpainting
from webui.pipelines.img2img.img2img import Originals
from webui.pipelines.img2img.masks import original_around
from webui.pipelines.img2img.resize import resize

# A window of 5x5 latent pixels, weighed by a Gaussian that ends at its border (A1111's built-in extension).
REACH = 2
SPREAD = 1.5
# Takes away the steps of the latent's pixels.
BLUR = 4

Plane = NDArray[np.float64]


def make_soft_originals(
    originals: Originals,
    before: Tensor,
    after: Tensor,
    opacity: NDArray[np.float32],
    request: GenerationRequest,
) -> Originals:
    """Overlays and masks for the results (B, C, h, w) of a run that began with `before`."""
    assert request.inpainting is not None, "soft inpainting has a mask"
    assert request.inpainting.soft is not None, "soft inpainting is on"
    size, masks, overlays = (request.width, request.height), list[Image.Image](), list[Image.Image]()
    for place, latent in enumerate(after):
        mask = measure_change(
            before[place], latent, opacity.astype(np.float64), request.inpainting.soft, size
        )
        whole = originals.pictures[place % len(originals.pictures)]
        if originals.region is not None:
            placed = Image.new("L", whole.size, 0)
            placed.paste(resize(mask, *originals.region.size, "Crop and resize"), originals.region[:2])
            mask = placed
        masks.append(mask)
        overlays.append(original_around(whole, mask))
    return replace(originals, mask=masks[0], overlays=tuple(overlays))


def measure_change(
    original: Tensor, new: Tensor, opacity: Plane, soft: SoftInpainting, size: tuple[int, int]
) -> Image.Image:
    """How much of the new picture is shown, as a mask (mode L) of `size`, from two latents (C, h, w).

    `opacity` (h, w) is the mask's.
    """
    distance = vector_norm(new - original, dim=0).double().cpu().numpy()
    distance = weighted_percentiles(weighted_percentiles(distance, 0.9, 1.0), 0.25, 0.75)
    kept = smooth(1 / (1 + (distance / half_distance(opacity, soft)) ** float(soft.difference_contrast)))
    small = Image.fromarray((255 * (1 - kept)).astype(np.uint8))
    return resize(small, *size, mode="Resize and fill").filter(ImageFilter.GaussianBlur(BLUR))


def half_distance(opacity: Plane, soft: SoftInpainting) -> Plane:
    """The distance (h, w) at which original and new are shown half each."""
    masked = 1 - np.clip(opacity, 0, 1) ** (float(soft.preservation_strength) / 2)
    influence = float(soft.mask_influence)
    weight = 0.5 * (1 - influence) + masked * influence
    with np.errstate(divide="ignore"):
        return np.maximum(float(soft.difference_threshold) * weight / (1.00001 - weight), 1e-12)


def smooth(share: Plane) -> Plane:
    """Perlin's smootherstep (2002), for shares of 0 to 1."""
    return share**3 * (share * (6 * share - 15) + 10)


def window_weights() -> Plane:
    """Weights (5, 5) of the window."""
    steps = np.arange(-REACH, REACH + 1)
    squares = steps[:, None] ** 2 + steps[None, :] ** 2
    end = np.exp(-((REACH + 1) ** 2) / SPREAD**2)
    return np.maximum((np.exp(-squares / SPREAD**2) - end) / (1 - end), 0)


def weighted_percentiles(plane: Plane, low: float, high: float, width: float = 1.0) -> Plane:
    """Each pixel (h, w) as the weighted mean of its window's values between two shares of their weight.

    The stretch between the shares is at least `width` of weight long.
    """
    weights = window_weights()
    side = 2 * REACH + 1
    padded = np.pad(plane, REACH)
    inside = np.pad(np.ones_like(plane), REACH)
    values = np.lib.stride_tricks.sliding_window_view(padded, (side, side)).reshape(*plane.shape, -1)
    present = np.lib.stride_tricks.sliding_window_view(inside, (side, side)).reshape(*plane.shape, -1)
    weight = present * weights.ravel()
    # What lies outside the picture has no weight and sorts anywhere.
    order = np.argsort(values, axis=-1, kind="stable")
    values, weight = np.take_along_axis(values, order, -1), np.take_along_axis(weight, order, -1)
    upper = np.cumsum(weight, axis=-1)
    total = upper[..., -1:]
    first, last = stretch(total, low, high, width)
    overlap = np.clip(np.minimum(last, upper) - np.maximum(first, upper - weight), 0, None)
    covered = overlap.sum(-1)
    return (values * overlap).sum(-1) / np.where(covered > 0, covered, 1)


def stretch(total: Plane, low: float, high: float, width: float) -> tuple[Plane, Plane]:
    """From `low` to `high` of the total weight, widened about its middle, moved to lie inside."""
    first, last = total * low, total * high
    middle, is_short = (first + last) / 2, last - first < width
    wide_first, wide_last = middle - width / 2, middle + width / 2
    past = wide_last > total
    wide_first, wide_last = np.where(past, total - width, wide_first), np.where(past, total, wide_last)
    before = wide_first < 0
    wide_first, wide_last = np.where(before, 0, wide_first), np.where(before, width, wide_last)
    return np.where(is_short, wide_first, first), np.where(is_short, wide_last, last)
