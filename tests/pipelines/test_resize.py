"""Pictures to another size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webui.core.request_parts import RESIZE_MODES
from webui.pipelines.img2img.resize import flatten, resize

sides = st.integers(1, 90)


def picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(width * 100 + height).integers(0, 256, (height, width, 3), np.uint8)
    )


@given(sides, sides, sides, sides, st.sampled_from(RESIZE_MODES))
def test_every_way_gives_exactly_the_size_asked_for(width, height, to_width, to_height, mode):
    assert resize(picture(width, height), to_width, to_height, mode).size == (to_width, to_height)
    assert resize(picture(width, height).convert("L"), to_width, to_height, mode).mode == "L"


def test_crop_keeps_the_middle_and_fill_keeps_everything():
    wide = Image.new("RGB", (40, 20), "red")
    wide.paste("blue", (0, 0, 4, 20))
    cropped, filled = (np.asarray(resize(wide, 20, 20, mode)) for mode in RESIZE_MODES[1:3])
    assert (cropped[10, 0] == (255, 0, 0)).all()
    assert (filled[10, 0] == (0, 0, 255)).all()
    # What is above and below is drawn out of the edge.
    assert (filled[0, -1] == (255, 0, 0)).all()


def test_only_enlarging_goes_through_the_upscaler():
    asked = []

    def upscale(image: Image.Image, scale: float, name: str) -> Image.Image:
        asked.append((round(scale, 3), name))
        return image.resize((image.width * 2, image.height * 2))

    large = resize(picture(10, 10), 20, 15, "Just resize", "R-ESRGAN 4x+", upscale)
    assert large.size == (20, 15)
    resize(picture(30, 30), 20, 15, "Just resize", "R-ESRGAN 4x+", upscale)
    resize(picture(10, 10).convert("L"), 20, 15, "Just resize", "R-ESRGAN 4x+", upscale)
    resize(picture(10, 10), 20, 15, "Just resize", "None", upscale)
    assert asked == [(2.0, "R-ESRGAN 4x+")]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_show_the_background(mode):
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 255))
    image.putpixel((0, 0), (9, 9, 9, 0))
    flat = flatten(image if mode == "RGBA" else image.convert(mode), "#102030")
    assert flat.mode == "RGB"
    if mode != "P":
        assert flat.getpixel((0, 0)) == (0x10, 0x20, 0x30)


@pytest.mark.parametrize("mode", ["CMYK", "L", "I;16", "1", "RGB"])
def test_every_kind_of_picture_becomes_rgb(mode):
    assert flatten(Image.new(mode, (3, 2)), "#ffffff").mode == "RGB"
