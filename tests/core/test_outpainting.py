"""The size of an extended canvas, and how an infotext tells of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.core.errors import InvalidRequest
from webui.core.infotext import parse_fields
from webui.core.infotext_fields import read_outpainting
from webui.core.request import make_request
from webui.core.request_infotext import PictureFacts, format_infotext, read_with_problems
from webui.core.request_parts import MAX_SIDE, SIDES, Inpainting, Outpainting

IMAGE = "1" * 64
SIDE = st.integers(0, 300)
ROOMS = st.builds(
    Outpainting,
    left=SIDE,
    right=SIDE,
    up=SIDE,
    down=SIDE,
    fill=st.sampled_from(["noise", "stretch", "mirror", "blur"]),
    blend=st.integers(0, 256),
    fall_off=st.sampled_from([0, 1.0, 1.5, 4]),
    colour_variation=st.sampled_from([0, 0.05, 1]),
    scale=st.sampled_from([1.0, 0.05, 0.5, 1.35, 2]),
).filter(lambda part: part.has_room)
PIXELS = st.integers(1, 1000)


def extended(part: Outpainting, picture_width: int, picture_height: int, **fields):
    """A request around a picture."""
    request = make_request(init_images=[IMAGE], outpainting=part, **fields)
    return request.around_picture(picture_width, picture_height)


def test_the_result_is_the_picture_and_its_sides():
    request = extended(Outpainting(left=128, right=128), 256, 256, width=256, height=256)
    assert (request.width, request.height) == (512, 256)
    assert request.outpainting == Outpainting(left=128, right=128)


@settings(deadline=None)
@given(ROOMS, PIXELS, PIXELS)
def test_the_whole_is_rounded_up_to_eights_and_nothing_is_taken_away(part, width, height):
    request = extended(part, width, height)
    made = request.outpainting
    assert made is not None
    assert request.width % 8 == request.height % 8 == 0
    assert all(0 <= getattr(made, side) - getattr(part, side) < 8 for side in SIDES)
    inner = made.scaled(width, height)
    assert (made.left + inner[0] + made.right, made.up + inner[1] + made.down) == (
        request.width,
        request.height,
    )
    assert request.around_picture(width, height) == request


def test_what_is_missing_goes_to_a_side_that_grows():
    made = extended(Outpainting(left=3, up=3), 250, 250).outpainting
    assert made == Outpainting(left=6, up=6)
    assert extended(Outpainting(left=3), 256, 250).outpainting == Outpainting(left=8, down=6)
    assert extended(Outpainting(left=3, right=3), 256, 256).outpainting == Outpainting(left=3, right=5)


def test_without_sides_the_request_is_a_plain_one():
    plain = make_request(init_images=[IMAGE], width=64, height=96)
    assert extended(Outpainting(fill="blur"), 100, 100, width=64, height=96) == plain
    masked = Inpainting(mask=IMAGE)
    assert extended(Outpainting(), 100, 100, inpainting=masked).inpainting == masked
    assert extended(Outpainting(), 100, 100, inpainting=Inpainting()).inpainting is None


def test_a_result_that_is_too_large_is_refused_with_the_largest():
    with pytest.raises(InvalidRequest, match=rf"8224x96 pixels. The largest is {MAX_SIDE} a side"):
        extended(Outpainting(right=2048), 6176, 96)
    assert extended(Outpainting(right=2048), MAX_SIDE - 2048, 96).width == MAX_SIDE


@settings(deadline=None)
@given(ROOMS, PIXELS, PIXELS)
def test_an_infotext_tells_all_that_decides_the_picture(part, width, height):
    request = extended(part, width, height)
    made = request.outpainting
    assert made is not None
    text = format_infotext(request, 0, PictureFacts())
    assert read_with_problems(text).problems == ()
    again = Outpainting(**read_outpainting(parse_fields(text)))
    unread = (
        {} if made.fill == "noise" else {"fall_off": made.fall_off, "colour_variation": made.colour_variation}
    )
    assert again.model_copy(update=unread) == made


STEPS = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, "
OTHERS = [
    STEPS + "Size: 512x512, Denoising strength: 0.8, Mask blur: 4",
    STEPS + "Size: 768x512, Script: Outpainting mk2",
    STEPS + "Size: 768x512, Script: Poor man's outpainting, Masked content: fill",
    STEPS + "Size: 8x8, Outpaint left: -5, Outpaint right: many, Outpaint fill: x",
    STEPS + "Size: 8x8, Outpaint left: 99999999999999999999, Outpaint blend: 4",
]


@pytest.mark.parametrize("text", OTHERS)
def test_texts_that_tell_of_no_sides_are_read_as_before(text):
    fields = read_with_problems(text).fields
    assert (fields["prompt"], fields["steps"], fields["sampler"]) == ("a cat", 20, "Euler a")
    assert read_outpainting(parse_fields(text)) == {}


def test_a_value_that_no_side_can_have_is_left_out_and_the_others_are_read():
    text = OTHERS[0] + ", Outpaint left: 64, Outpaint right: 1e9, Outpaint fill: mist, Outpaint blend: 8"
    assert read_outpainting(parse_fields(text)) == {"left": 64, "blend": 8}
