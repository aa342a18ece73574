"""Paint laid on a picture for an inpaint sketch."""

import numpy as np
from PIL import Image

from webui.pipelines.img2img.sketch import blend_sketch

SIZE = (32, 32)


def blended(blur, opacity):
    """Blue paint in the right half of a red picture."""
    mask = Image.new("L", SIZE)
    mask.paste(255, (16, 0, 32, 32))
    red, blue = Image.new("RGB", SIZE, "red"), Image.new("RGB", SIZE, "blue")
    return np.asarray(blend_sketch(red, blue, mask, blur, opacity))


def test_without_blur_the_mask_decides_each_pixel():
    pixels = blended(0, 1)
    assert (pixels[:, :16] == [255, 0, 0]).all()
    assert (pixels[:, 16:] == [0, 0, 255]).all()


def test_blur_makes_a_slope_at_the_edge_and_leaves_the_rest():
    row = blended(2, 1)[16, :, 2].astype(int)
    assert (np.diff(row) >= 0).all()
    assert 0 < row[15] < row[16] < 255
    assert (row[0], row[-1]) == (0, 255)


def test_opacity_lets_the_picture_shine_through():
    assert np.abs(blended(0, 0.5)[16, 24].astype(int) - [128, 0, 127]).max() <= 1
