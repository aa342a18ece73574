"""Colour correction: the result of img2img in the colours of the picture it began with."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Brightness of red, green and blue (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114])

Lab = NDArray[np.uint8]


def measure_colours(image: Image.Image) -> Lab:
    """A picture's colours (H, W, 3) in LAB, to correct others by."""
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2LAB), np.uint8)


def correct_colours(image: Image.Image, target: Lab) -> Image.Image:
    """The picture (RGB) with the target's histogram, but its own brightness, as A1111 does."""
    given, lab = np.asarray(image.convert("RGB")), measure_colours(image)
    matched = np.stack([_matched(lab[..., channel], target[..., channel]) for channel in range(3)], axis=-1)
    coloured = np.asarray(cv2.cvtColor(matched.astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)
    return _with_brightness(coloured, given)


def _matched(channel: NDArray[np.uint8], target: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The channel with the target's distribution of levels (histogram matching)."""
    counts, wanted = (np.bincount(each.ravel(), minlength=256) for each in (channel, target))
    share, wanted_share = np.cumsum(counts) / channel.size, np.cumsum(wanted) / target.size
    levels = np.flatnonzero(wanted)
    return np.interp(share, wanted_share[levels], levels)[channel]


def _with_brightness(colours: NDArray[np.uint8], brightness: NDArray[np.uint8]) -> Image.Image:
    """Hue and saturation of one, luminosity of the other (the "luminosity" blend of PDF and CSS)."""
    base, wanted = colours / 255, (brightness / 255) @ LUMA
    moved = base + (wanted - base @ LUMA)[..., None]
    luma = (moved @ LUMA)[..., None]
    lowest, highest = moved.min(-1, keepdims=True), moved.max(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        raised = np.where(lowest < 0, luma + (moved - luma) * luma / (luma - lowest), moved)
        clipped = np.where(highest > 1, luma + (raised - luma) * (1 - luma) / (highest - luma), raised)
    return Image.fromarray(np.clip(np.round(clipped * 255), 0, 255).astype(np.uint8))
