"""Runs a preprocessor: the picture as an array, the numbers within their ranges, the weights found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from extensions.controlnet import preprocessors
from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.pixels import (
    LARGEST_RESOLUTION,
    Pixels,
    read_pixels,
    resize_to,
    working_size,
    write_pixels,
)
from extensions.controlnet.preprocessors.registry import Preprocessor, Slider
from extensions.controlnet.preprocessors.weights import find_weights
from webui.plugins import InvalidRequest

# Nothing is gained by more pixels than this, and memory is lost.
MOST_PIXELS = 64_000_000


def run(
    entry: Preprocessor,
    image: Image.Image,
    numbers: tuple[float, float, float],
    context: Any,  # noqa: ANN401 - a Context, or what leases as it does
    mask: Image.Image | None,
    seed: int,
) -> Image.Image:
    """The map; `numbers` are resolution, threshold A and B. Raises as `preprocess`."""
    inputs = make_inputs(entry, image, numbers, context, mask, seed)
    return write_pixels(preprocessors.load(entry.home)(inputs))


def make_inputs(
    entry: Preprocessor,
    image: Image.Image,
    numbers: tuple[float, float, float],
    context: Any,  # noqa: ANN401 - as above
    mask: Image.Image | None = None,
    seed: int = 0,
) -> PreprocessorInputs:
    """What a preprocessor is given. Raises as `preprocess`."""
    resolution, threshold_a, threshold_b = (
        choose(entry, slider, number) for slider, number in zip(entry.sliders, numbers, strict=True)
    )
    return PreprocessorInputs(
        read_bounded(image),
        round(resolution),
        threshold_a,
        threshold_b,
        None if mask is None else read_mask(mask),
        seed,
        context,
        find_weights(entry, context),
    )


def choose(entry: Preprocessor, slider: Slider | None, number: float) -> float:
    """The number within the slider's range; a negative one stands for the default. Raises InvalidRequest."""
    if slider is None:
        return 0.0
    if not math.isfinite(number):
        raise InvalidRequest(f"ControlNet: {slider.label} of {entry.name} must be a number.")
    if number < 0:
        return slider.value
    # Pixel perfect asks for more than the slider has.
    most = LARGEST_RESOLUTION if slider is entry.resolution else slider.maximum
    # Scripts send 64 for every threshold, whatever it is for.
    return min(max(number, slider.minimum), most)


def read_bounded(image: Image.Image) -> Pixels:
    """The picture as RGB, made smaller where it is huge."""
    pixels = read_pixels(image)
    height, width = pixels.shape[:2]
    if width * height <= MOST_PIXELS:
        return pixels
    shorter = math.sqrt(MOST_PIXELS / (width * height)) * min(width, height)
    return resize_to(pixels, working_size((width, height), max(1, int(shorter))))


def read_mask(mask: Image.Image) -> Pixels:
    """Grey (H, W); of a picture that is transparent somewhere, what is not."""
    if mask.has_transparency_data:
        alpha = np.array(mask.convert("RGBA").getchannel("A"))
        if alpha.min() < alpha.max():
            return np.minimum(alpha, read_pixels(mask).max(axis=2) if is_painted_white(mask) else alpha)
    return read_pixels(mask).max(axis=2)


def is_painted_white(mask: Image.Image) -> bool:
    """Whether a transparent mask has white in it: black is then not masked."""
    coloured = np.array(mask.convert("RGBA"))
    return bool((coloured[..., :3].max(axis=2)[coloured[..., 3] > 127] > 127).any())
