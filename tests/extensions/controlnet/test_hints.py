"""Pictures on their way to a network: sizes, colours, resolution, masks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from extensions.controlnet.hints import (
    choose_resolution,
    find_resolution,
    mark_masked,
    resize,
    to_mask,
    to_rgb,
    to_tensor,
)
from extensions.controlnet.units import RESIZE_MODES, ControlUnit, ResizeMode
from tests.extensions.controlnet.control_runs import picture

sides = st.integers(1, 90)


@given(sides, sides, sides, sides, st.sampled_from(RESIZE_MODES))
def test_every_mode_gives_the_size_asked_for(
    width: int, height: int, to_width: int, to_height: int, mode: ResizeMode
) -> None:
    image = Image.new("RGB", (width, height), (9, 99, 199))
    made = resize(image, to_width, to_height, mode)
    assert made.size == (to_width, to_height)
    assert made.getcolors() == [(to_width * to_height, (9, 99, 199))]


def test_crop_keeps_the_middle_and_fill_keeps_all() -> None:
    image = Image.new("RGB", (100, 50))
    image.paste((255, 0, 0), (0, 0, 20, 50))
    image.paste((0, 0, 255), (50, 0, 100, 50))
    cropped = np.asarray(resize(image, 50, 50, "Crop and Resize"))
    assert not (cropped == (255, 0, 0)).all(-1).any()
    filled = np.asarray(resize(image, 100, 100, "Resize and Fill"))
    assert (filled[25:75, :20] == (255, 0, 0)).all()
    stretched = np.asarray(resize(image, 50, 50, "Just Resize"))
    assert (stretched[:, :10] == (255, 0, 0)).all()


@pytest.mark.parametrize("size", [(40, 40), (200, 120)])
def test_lines_stay_lines_and_labels_stay_labels(size: tuple[int, int]) -> None:
    lines = Image.new("RGB", (80, 80))
    lines.paste((255, 255, 255), (39, 0, 40, 80))
    made = np.asarray(resize(lines, *size, "Just Resize"))
    assert set(np.unique(made)) == {0, 255}
    labels = Image.new("RGB", (80, 80), (10, 20, 30))
    labels.paste((120, 0, 7), (0, 0, 33, 33))
    labels.paste((3, 200, 9), (50, 10, 80, 60))
    colours = {colour for _, colour in resize(labels, *size, "Just Resize").getcolors() or []}
    assert colours == {(10, 20, 30), (120, 0, 7), (3, 200, 9)}


def test_pixel_perfect_loses_no_pixel() -> None:
    assert find_resolution((1024, 512), (512, 512), "Crop and Resize") == 512
    assert find_resolution((1024, 512), (512, 512), "Resize and Fill") == 256
    unit = ControlUnit(pixel_perfect=True, processor_res=100)
    assert choose_resolution(unit, (64, 32), (128, 64)) == 64
    assert choose_resolution(ControlUnit(processor_res=100), (64, 32), (128, 64)) == 100
    assert choose_resolution(ControlUnit(), (64, 32), (128, 64)) == 512


def test_masked_pixels_are_minus_one() -> None:
    hint = to_tensor(picture())
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :10] = 1
    marked = mark_masked(hint, mask)
    assert (marked[..., :10] == -1).all()
    assert torch.equal(marked[..., 10:], hint[..., 10:])


def test_transparency_is_black_in_pictures_and_unmasked_in_masks() -> None:
    image = Image.new("RGBA", (2, 1), (255, 255, 255, 255))
    image.putpixel((0, 0), (255, 255, 255, 0))
    assert to_rgb(image).tobytes() == bytes([0, 0, 0, 255, 255, 255])
    assert to_mask(image).tobytes() == bytes([0, 255])
    assert to_mask(Image.new("RGB", (1, 1), (255, 255, 255))).tobytes() == bytes([255])
