"""Masks of inpainting."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.golden_cases import GOLDENS
from webui.core.request import GenerationRequest
from webui.core.request_parts import Inpainting
from webui.pipelines.img2img.img2img import mask_use
from webui.pipelines.img2img.masks import (
    drawn_mask,
    fill_masked,
    grown,
    latent_mask,
    masked_region,
    original_around,
    prepared_mask,
)

REFERENCE = "0" * 64
ALL_MASKED_GOLDENS = [
    (family, case)
    for family in ("sd15", "sdxl", "sd2v")
    for case in json.loads((GOLDENS / family / "cases.json").read_text("utf-8"))
    if case["payload"].get("mask")
]
MASKED_GOLDENS = [
    (family, case)
    for family, case in ALL_MASKED_GOLDENS
    if not case["payload"].get("alwayson_scripts") and "blank" not in case["id"]
]


def test_only_soft_inpainting_and_the_blank_mask_are_left_out():
    left_out = [
        (family, case["id"]) for family, case in ALL_MASKED_GOLDENS if (family, case) not in MASKED_GOLDENS
    ]
    assert left_out == [("sd15", "inp-soft-inpainting"), ("sd15", "inp-blank")]


@pytest.mark.parametrize(
    ("family", "case"),
    MASKED_GOLDENS,
    ids=lambda each: str(each.get("id")) if isinstance(each, dict) else each,
)
def test_the_mask_at_the_size_of_the_latent_is_that_of_a1111(family, case):
    payload = case["payload"]
    extra = np.load(GOLDENS / family / case["extra"])
    blur = payload.get("mask_blur", 4)
    part = Inpainting(
        mask=REFERENCE,
        mask_blur_x=payload.get("mask_blur_x", blur),
        mask_blur_y=payload.get("mask_blur_y", blur),
        mask_round=payload.get("mask_round", True),
        invert=bool(payload.get("inpainting_mask_invert")),
        only_masked=payload.get("inpaint_full_res", True),
        padding=payload.get("inpaint_full_res_padding", 0),
    )
    request = GenerationRequest(
        init_images=(REFERENCE,), inpainting=part, width=payload["width"], height=payload["height"]
    )
    drawn = Image.open(GOLDENS / "assets" / payload["mask"].removeprefix("@"))
    init = Image.open(GOLDENS / "assets" / payload["init_images"][0].removeprefix("@"))
    use = mask_use(request, init.size, drawn)
    assert use is not None
    keep = 1 - latent_mask(use.latent, (request.width // 8, request.height // 8), rounds=part.rounds)
    expected = extra["latent_mask.0"].reshape(-1, *keep.shape)[0]
    np.testing.assert_allclose(keep, expected, atol=1e-6)


def disc(size: int, *box: int) -> Image.Image:
    mask = Image.new("L", (size, size))
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return mask


def test_transparency_is_a_mask_and_so_is_brightness():
    clear = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
    clear.putpixel((1, 0), (0, 0, 0, 200))
    assert list(drawn_mask(clear, rounds=True).get_flattened_data()) == [0, 255]
    assert list(drawn_mask(clear, rounds=False).get_flattened_data()) == [0, 200]
    opaque = Image.new("RGBA", (2, 1), (255, 255, 255, 255))
    assert list(drawn_mask(opaque, rounds=True).get_flattened_data()) == [255, 255]


def test_a_mask_of_another_size_is_stretched_onto_the_picture():
    part = Inpainting(mask=REFERENCE, mask_blur_x=0, mask_blur_y=0)
    stretched = prepared_mask(disc(32, 8, 8, 23, 23), (64, 64), part)
    assert stretched.size == (64, 64)
    assert stretched.getpixel((32, 32)) == 255
    assert stretched.getpixel((2, 2)) == 0


boxes = st.tuples(*[st.integers(0, 99)] * 4).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@given(boxes, st.integers(0, 60), st.integers(1, 16), st.integers(1, 16))
def test_the_region_holds_the_mask_lies_in_the_picture_and_has_room(box, padding, width, height):
    mask = Image.new("L", (100, 100))
    mask.paste(255, (box[0], box[1], box[2] + 1, box[3] + 1))
    region = masked_region(mask, padding, width * 8, height * 8)
    assert region is not None
    assert 0 <= region.left <= box[0]
    assert 0 <= region.top <= box[1]
    assert box[2] < region.right <= 100
    assert box[3] < region.bottom <= 100


def test_a_blank_mask_has_no_region():
    assert masked_region(Image.new("L", (10, 10)), 4, 64, 64) is None


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 100), st.integers(0, 100))
def test_a_grown_stretch_stays_on_its_line(first, length, more, room):
    limit = first + length + room
    low, high = grown(first, first + length, more, limit)
    assert 0 <= low <= high <= limit
    assert high - low == min(length + more, limit)


def test_masked_parts_are_filled_with_the_colours_around():
    image = Image.new("RGB", (64, 64), "green")
    mask = disc(64, 20, 20, 43, 43)
    image.paste("white", mask=mask)
    filled = np.asarray(fill_masked(image, mask), int)
    assert np.abs(filled[32, 32] - (0, 128, 0)).max() < 30
    assert np.abs(filled[2, 2] - (0, 128, 0)).max() <= 1


def test_the_original_lies_around_the_mask_and_not_under_it():
    around = original_around(Image.new("RGB", (64, 64), "red"), disc(64, 20, 20, 43, 43))
    assert around.getpixel((0, 0)) == (255, 0, 0, 255)
    assert around.getpixel((32, 32))[3] == 0
