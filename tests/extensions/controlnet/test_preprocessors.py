"""Preprocessors against OpenCV called directly, and what must be so of every one of them."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extensions.controlnet.preprocessors import PREPROCESSORS, find_preprocessor, preprocess
from webui.plugins import InvalidRequest, NotFound

LIGHT = [name for name, entry in PREPROCESSORS.items() if not entry.weights]


def scene(width=300, height=200, mode="RGB"):
    """A dark disc and a light bar on a slope of colours."""
    across = np.linspace(60, 200, width)[None, :, None] * np.array([1.0, 0.8, 0.6])
    pixels = np.broadcast_to(across, (height, width, 3)).astype(np.uint8).copy()
    cv2.circle(pixels, (width // 3, height // 2), max(min(width, height) // 4, 1), (10, 20, 40), -1)
    cv2.rectangle(pixels, (width * 2 // 3, 0), (width * 3 // 4, height), (250, 250, 230), -1)
    return Image.fromarray(pixels).convert(mode)


def made(module, image=None, resolution=512, a=-1, b=-1, **options):
    return np.array(preprocess(module, image or scene(), resolution, a, b, **options))


def test_canny_is_opencvs_at_the_resolution():
    image = scene(600, 400)
    resized = cv2.resize(np.array(image), (384, 256), interpolation=cv2.INTER_AREA)
    edges = made("canny", image, 256, 50, 150)
    assert np.array_equal(edges[..., 0], cv2.Canny(resized, 50, 150))
    assert np.array_equal(edges[..., 0], edges[..., 2])
    assert 0 < (edges > 0).mean() < 0.2


def test_blur_is_opencvs():
    image = scene(512, 512)
    assert np.array_equal(made("blur_gaussian", image, 512, 7), cv2.GaussianBlur(np.array(image), (0, 0), 7))


def test_threshold_is_white_where_the_darkest_colour_is_above_it():
    image = scene(512, 512)
    expected = np.where(np.array(image).min(axis=2) > 90, 255, 0)
    assert np.array_equal(made("threshold", image, 512, 90)[..., 1], expected)


def test_inverting_twice_gives_the_picture_back():
    image = scene()
    inverted = preprocess("invert", image)
    assert np.array_equal(255 - np.array(image), np.array(inverted))
    assert np.array_equal(np.array(preprocess("invert", inverted)), np.array(image))


def test_recolouring_keeps_what_the_colour_space_calls_light():
    image = scene()
    pixels = np.array(image)
    lightness = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[..., 0]
    assert np.array_equal(made("recolor_luminance", image, 512, 1.0)[..., 0], lightness)
    assert np.array_equal(made("recolor_intensity", image, 512, 1.0)[..., 0], pixels.max(axis=2))
    assert made("recolor_intensity", image, 512, 2.0).mean() < made("recolor_intensity", image, 512, 1).mean()


def test_each_cell_of_the_colour_grid_is_its_mean():
    image = scene(512, 640)
    grid = made("t2ia_color_grid", image, 512)
    assert grid.shape == (640, 512, 3)
    for row in range(10):
        for column in range(8):
            window = np.s_[row * 64 : row * 64 + 64, column * 64 : column * 64 + 64]
            assert len(np.unique(grid[window].reshape(-1, 3), axis=0)) == 1
            assert np.abs(grid[window][0, 0] - np.array(image)[window].mean(axis=(0, 1))).max() <= 1


def test_a_tile_is_as_many_times_smaller():
    assert preprocess("tile_resample", scene(300, 200), threshold_a=2.0).size == (150, 100)
    assert preprocess("tile_resample", scene(300, 200), threshold_a=1.0).size == (300, 200)


def test_shuffling_follows_the_seed_and_keeps_the_colours():
    image = scene(512, 512)
    first = made("shuffle", image, seed=1)
    assert np.array_equal(first, made("shuffle", image, seed=1))
    assert not np.array_equal(first, made("shuffle", image, seed=2))
    assert not np.array_equal(first, np.array(image))
    assert first.min() >= np.array(image).min() and first.max() <= np.array(image).max()


@pytest.mark.parametrize("module", ["softedge_gradient", "scribble_gradient", "scribble_xdog", "mlsd_hough"])
def test_lines_lie_on_the_edges_of_the_picture(module):
    lines = made(module, scene(512, 512))[..., 0] > 127
    edges = cv2.Canny(np.array(scene(512, 512)), 100, 200) > 0
    near = cv2.dilate(edges.astype(np.uint8), np.ones((25, 25))) > 0
    assert lines.any()
    assert (lines & near).sum() / lines.sum() > 0.95


@pytest.mark.parametrize(
    "module",
    ["softedge_gradient", "scribble_gradient", "scribble_xdog", "canny", "mlsd_hough", "lineart_standard"],
)
def test_a_plain_picture_has_no_lines(module):
    assert not made(module, Image.new("RGB", (200, 300), (120, 60, 30))).any()


def test_a_drawing_on_paper_becomes_white_lines_on_black():
    paper = Image.new("RGB", (512, 512), "white")
    drawn = np.array(paper)
    cv2.line(drawn, (50, 50), (450, 400), (0, 0, 0), 3)
    lines = made("lineart_standard", Image.fromarray(drawn))[..., 0]
    assert lines[drawn[..., 0] == 0].min() > 100
    assert lines[10, 500] == 0


def test_what_the_mask_covers_is_clear_for_inpainting():
    mask = Image.new("L", (150, 100))
    mask.paste(255, (0, 0, 75, 100))
    hint = preprocess("inpaint_only", scene(), mask=mask)
    assert hint.mode == "RGBA"
    alpha = np.array(hint)[..., 3]
    assert not alpha[:, :150].any()
    assert (alpha[:, 150:] == 255).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "F", "CMYK"])
def test_pictures_of_every_mode_are_taken(mode):
    image = scene(80, 60).convert("L").convert("I;16") if mode == "I;16" else scene(80, 60).convert(mode)
    for module in LIGHT:
        assert preprocess(module, image).mode in ("RGB", "RGBA")


def test_transparency_is_white():
    assert (made("none", Image.new("RGBA", (5, 5), (0, 0, 0, 0))) == 255).all()


def test_sixteen_bit_grey_keeps_its_range():
    ramp = Image.fromarray(np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16))
    assert made("none", ramp)[..., 0].ravel().tolist() == list(range(256))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(64, 256))
def test_pictures_of_every_size_are_taken(width, height, resolution):
    image = scene(width, height)
    for module in LIGHT:
        made_of_it = preprocess(module, image, resolution)
        if PREPROCESSORS[module].resolution is not None:
            assert min(made_of_it.size) in (
                resolution,
                max(round(8192 * min(width, height) / max(width, height)), 1),
            )


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 3)])
def test_extreme_pictures_are_taken(size):
    for module in LIGHT:
        made_of_it = preprocess(module, scene(*size))
        assert max(made_of_it.size) <= 8192


def test_everything_is_made_the_same_again():
    for module in LIGHT:
        assert np.array_equal(made(module), made(module)), module


def test_the_default_numbers_are_those_of_the_sliders():
    assert np.array_equal(made("canny"), made("canny", a=100, b=200))


def test_aliases_and_capitals_are_understood():
    assert find_preprocessor("Invert").name == "invert (from white bg & black line)"
    assert find_preprocessor("color").name == "t2ia_color_grid"
    assert find_preprocessor("None").name == "none"


def test_an_unknown_name_is_refused_with_a_close_one():
    with pytest.raises(InvalidRequest, match="Did you mean 'canny'"):
        find_preprocessor("cany")


def test_a_missing_weight_is_told_with_its_place_size_and_licence():
    with pytest.raises(
        NotFound, match=r"ControlNetHED\.pth \(29 MB, licence: Apache-2\.0\)\. Get it from https"
    ):
        preprocess("softedge_hed", scene())


def test_no_number_is_refused_as_such():
    with pytest.raises(InvalidRequest, match="must be a number"):
        preprocess("canny", scene(), threshold_a=float("nan"))


def test_the_list_is_there_without_opencv_and_torch():
    code = (
        "import sys, extensions.controlnet.preprocessors as it; "
        "print(len(it.PREPROCESSORS), [n for n in ('cv2', 'torch', 'numpy', 'gradio') if n in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    count, loaded = printed.split(" ", 1)
    assert int(count) == len(PREPROCESSORS)
    assert loaded.strip() == "[]"
