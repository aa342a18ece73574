"""Colour correction."""

import colorsys

import numpy as np
from PIL import Image

from webui.pipelines.img2img.colours import LUMA, correct_colours, measure_colours

rng = np.random.default_rng(3)


def noise(low: int, high: int) -> Image.Image:
    return Image.fromarray(rng.integers(low, high, (32, 32, 3), np.uint8))


def test_a_picture_corrected_by_itself_stays():
    image = noise(30, 220)
    difference = np.abs(
        np.asarray(correct_colours(image, measure_colours(image)), int) - np.asarray(image, int)
    )
    # LAB has 8 bits here.
    assert difference.max() <= 8
    assert difference.mean() < 1.5


def test_colours_come_from_the_target_and_brightness_stays():
    blue = Image.fromarray((np.asarray(noise(60, 200), float) * (0.3, 0.5, 1.0)).astype(np.uint8))
    image = Image.fromarray((np.asarray(noise(60, 200), float) * (1.0, 0.6, 0.3)).astype(np.uint8))
    result = correct_colours(image, measure_colours(blue))
    red, green, blue_mean = np.asarray(result, float).mean((0, 1)) / 255
    hue = colorsys.rgb_to_hsv(red, green, blue_mean)[0]
    # From orange to blue.
    assert 0.5 < hue < 0.75
    before, after = (np.asarray(each, float) @ LUMA for each in (image, result))
    assert np.abs(before - after).mean() < 3


def test_histograms_are_matched_as_by_sorting():
    image, target = noise(0, 120), noise(90, 256)
    grey, wanted = (Image.merge("RGB", [each.getchannel("R")] * 3) for each in (image, target))
    matched = correct_colours(grey, measure_colours(wanted))
    # Of greys only brightness could change, and that is kept.
    assert np.abs(np.asarray(matched, int) - np.asarray(grey, int)).max() <= 3
