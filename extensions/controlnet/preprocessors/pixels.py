"""Pictures as arrays, at the size that a preprocessor works at. RGB, uint8, (H, W, 3) everywhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
# A strip of one pixel is not made a million pixels long.
LONGEST_SIDE = 8192
SMALLEST_RESOLUTION, LARGEST_RESOLUTION = 64, 4096


def read_pixels(image: Image.Image) -> Pixels:
    """Any picture as RGB; what is transparent becomes white, and 16 bit grey is brought to 8."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(reduce_depth(np.asarray(image)))
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return np.array(image.convert("RGB"))


def reduce_depth(grey: NDArray[np.generic]) -> Pixels:
    """Grey (H, W) of 16 or 32 bits to 8; values that fit into 8 bits stay as they are."""
    values = np.nan_to_num(np.asarray(grey, np.float64))
    return np.clip(values / 257 if values.max(initial=0) > 255 else values, 0, 255).astype(np.uint8)


def write_pixels(pixels: NDArray[np.generic]) -> Image.Image:
    """Grey (H, W) or colours (H, W, 3 or 4), uint8, as a picture in RGB or RGBA."""
    image = Image.fromarray(np.ascontiguousarray(pixels, np.uint8))
    return image.convert("RGB") if image.mode == "L" else image


def working_size(size: tuple[int, int], resolution: int) -> tuple[int, int]:
    """Width and height with the shorter side at `resolution`, unless the longer grew too long."""
    width, height = size
    scale = min(resolution / min(size), LONGEST_SIDE / max(size))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def resize(pixels: Pixels, resolution: int) -> Pixels:
    """A picture with its shorter side at `resolution`."""
    height, width = pixels.shape[:2]
    return resize_to(pixels, working_size((width, height), resolution))


def resize_to(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """A picture of this width and height; a larger one is averaged, a smaller one interpolated."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    shrinks = size[0] * size[1] < width * height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def pad_to_multiple(pixels: Pixels, multiple: int = 64) -> Pixels:
    """A picture for a network that halves its sides: the last row and column are repeated."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, -height % multiple), (0, -width % multiple), (0, 0)), mode="edge")
