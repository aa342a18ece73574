"""Room around a picture."""

import numpy as np
import pytest
from PIL import Image

from webui.core.request_parts import Outpainting
from webui.pipelines.img2img.outpaint import FILLS, extended

PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 48, 3), np.uint8))


@pytest.mark.parametrize("fill", FILLS)
def test_the_old_picture_stays_in_its_place_and_the_room_is_masked(fill):
    part = Outpainting(left=16, up=8, fill=fill, blend=4)
    result = extended(PICTURE, part, seed=1)
    assert result.picture.size == result.mask.size == (64, 48)
    assert result.picture.crop((16, 8, 64, 48)).tobytes() == PICTURE.tobytes()
    mask = np.asarray(result.mask)
    assert (mask[:, :16] == 255).all()
    assert (mask[:8] == 255).all()
    # The seam on the sides that grew, and nowhere else.
    assert (mask[8:, 16:20] == 255).all()
    assert (mask[8:12, 16:] == 255).all()
    assert (mask[12:, 20:] == 0).all()


def test_the_same_seed_gives_the_same_noise_and_its_colours_are_the_pictures():
    part = Outpainting(right=64, fill="noise")
    first, second, other = (extended(PICTURE, part, seed).picture for seed in (1, 1, 2))
    assert first.tobytes() == second.tobytes() != other.tobytes()
    rooms = [np.asarray(extended(PICTURE, part, seed).picture)[:, 48:] for seed in range(16)]
    difference = np.mean(rooms, axis=(0, 1, 2)) - np.asarray(PICTURE).mean((0, 1))
    assert np.abs(difference).max() < 20


def test_a_drawn_mask_is_made_anew_as_well():
    drawn = Image.new("L", PICTURE.size)
    drawn.putpixel((20, 20), 255)
    mask = extended(PICTURE, Outpainting(left=8, blend=0), 1, drawn).mask
    assert mask.getpixel((28, 20)) == 255
    assert mask.getpixel((29, 20)) == 0


def test_a_picture_of_one_pixel_can_be_extended():
    for fill in FILLS:
        assert extended(
            Image.new("RGB", (1, 1), "red"), Outpainting(right=15, down=7, fill=fill), 1
        ).picture.size == (16, 8)
