"""Colours and brightness of a picture, without any network."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.pixels import Pixels, resize, resize_to

# Pixels of a cell of the colour grid; T2I-Adapter's colour network was trained with it (Mou et al. 2023).
CELL = 64
# About how far, in pixels, the shuffled pieces of a picture lie apart (Zhang et al. 2023).
PIECE = 256


def unchanged(inputs: PreprocessorInputs) -> Pixels:
    """The picture as it is."""
    return inputs.pixels


def invert(inputs: PreprocessorInputs) -> Pixels:
    """Black for white: a drawing on paper as the networks know it."""
    return 255 - inputs.pixels


def blur_gaussian(inputs: PreprocessorInputs) -> Pixels:
    """Blurred; A is the Gaussian's sigma in pixels."""
    pixels = resize(inputs.pixels, inputs.resolution)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(inputs.threshold_a, 0.01)), np.uint8)


def tile_resample(inputs: PreprocessorInputs) -> Pixels:
    """The picture, A times smaller."""
    height, width = inputs.pixels.shape[:2]
    rate = inputs.threshold_a
    if rate < 1.1:
        return inputs.pixels
    return resize_to(inputs.pixels, (max(int(width / rate), 1), max(int(height / rate), 1)))


def color_grid(inputs: PreprocessorInputs) -> Pixels:
    """Each square of 64 pixels in its mean colour."""
    pixels = resize(inputs.pixels, inputs.resolution)
    height, width = pixels.shape[:2]
    cells = (max(width // CELL, 1), max(height // CELL, 1))
    means = cv2.resize(pixels, cells, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def recolor_luminance(inputs: PreprocessorInputs) -> Pixels:
    """How light each pixel looks (L of CIE Lab); A is the gamma."""
    return with_gamma(np.asarray(cv2.cvtColor(inputs.pixels, cv2.COLOR_RGB2LAB))[..., 0], inputs.threshold_a)


def recolor_intensity(inputs: PreprocessorInputs) -> Pixels:
    """The strongest of the three colours of each pixel (V of HSV); A is the gamma."""
    return with_gamma(inputs.pixels.max(axis=2), inputs.threshold_a)


def with_gamma(grey: NDArray[np.generic], gamma: float) -> Pixels:
    """Grey to the power of gamma, 0 and 255 unchanged."""
    share = np.asarray(grey, np.float32) / 255
    return np.rint(share**gamma * 255).astype(np.uint8)


def shuffle(inputs: PreprocessorInputs) -> Pixels:
    """The picture bent and mixed by a smooth field that the seed draws; colours stay, shapes go."""
    pixels = resize(inputs.pixels, inputs.resolution)
    height, width = pixels.shape[:2]
    draw = np.random.default_rng(inputs.seed)
    columns = smooth_field(draw, height, width) * (width - 1)
    rows = smooth_field(draw, height, width) * (height - 1)
    return np.asarray(cv2.remap(pixels, columns, rows, cv2.INTER_LINEAR), np.uint8)


def smooth_field(draw: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Random values (H, W) from 0 to 1 that change slowly, and reach both."""
    coarse = draw.random((height // PIECE + 2, width // PIECE + 2), np.float32)
    field = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    low, high = float(field.min()), float(field.max())
    return (field - low) / max(high - low, 1e-6)


def masked(inputs: PreprocessorInputs) -> Pixels:
    """The picture, clear (alpha 0) where the mask is set: RGBA (H, W, 4)."""
    height, width = inputs.pixels.shape[:2]
    alpha = np.full((height, width), 255, np.uint8)
    if inputs.mask is not None:
        alpha[resize_mask(inputs.mask, (width, height)) > 127] = 0
    return np.dstack([inputs.pixels, alpha])


def show_mask(inputs: PreprocessorInputs) -> Pixels:
    """The mask in white on black; without one, white where the picture is lighter than middle grey."""
    height, width = inputs.pixels.shape[:2]
    grey = inputs.pixels.mean(axis=2) if inputs.mask is None else resize_mask(inputs.mask, (width, height))
    return np.where(grey > 127, 255, 0).astype(np.uint8)


def resize_mask(mask: Pixels, size: tuple[int, int]) -> Pixels:
    """A mask (H, W) in this width and height, with hard borders."""
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
