"""From the img2img form to a request, and from requests and infotext back."""

import json

import pytest
from pydantic import ValidationError

from tests.ui.img2img_fields import fields_of_img2img_request
from webui.core.errors import InvalidRequest
from webui.core.request import make_request
from webui.core.request_infotext import PictureFacts, format_infotext
from webui.core.request_parts import Inpainting, Loopback, Outpainting, SoftInpainting
from webui.core.settings import Settings
from webui.ui.forms.img2img import (
    IMG2IMG_DEFAULTS,
    MASKED_MODES,
    MODES,
    NO_PICTURES,
    Pictures,
    fields_of_img2img_infotext,
    img2img_parts,
    read_pictures,
)
from webui.ui.generation import FORM_DEFAULTS

IMAGE, MASK = "a" * 64, "b" * 64
SHOWN = Pictures(IMAGE, MASK, IMAGE, 512, 768, 512, 768)
DEFAULTS = FORM_DEFAULTS | IMG2IMG_DEFAULTS


def asked_for(pictures=SHOWN, **fields):
    """The request that the form makes."""
    wanted, overrides = img2img_parts(DEFAULTS | {"seed": "1", "variation_seed": "1"} | fields, pictures)
    assert overrides == {}
    return make_request(**{name: value for name, value in wanted.items() if name != "styles"})


def test_the_form_as_it_opens_asks_for_plain_img2img():
    request = asked_for()
    assert request.init_images == (IMAGE,)
    assert request.denoising_strength == 0.75
    assert request.inpainting is request.outpainting is request.loopback is None


@pytest.mark.parametrize("mode", MASKED_MODES)
def test_modes_with_a_mask_inpaint(mode):
    request = asked_for(mode=mode, inpaint_area="Only masked", mask_mode="Inpaint not masked", padding=16)
    assert request.inpainting == Inpainting(mask=MASK, only_masked=True, invert=True, padding=16)


def test_one_blur_counts_for_both_directions_unless_they_are_apart():
    together = asked_for(mode="Inpaint", mask_blur=8, mask_blur_y=2).inpainting
    apart = asked_for(mode="Inpaint", mask_blur=8, mask_blur_y=2, mask_blur_apart=True).inpainting
    assert (together.mask_blur_x, together.mask_blur_y) == (8, 8)
    assert (apart.mask_blur_x, apart.mask_blur_y) == (8, 2)


def test_soft_inpainting_counts_while_it_is_ticked():
    soft = asked_for(mode="Inpaint", soft_inpainting=True, soft_schedule_bias=2).inpainting.soft
    assert soft == SoftInpainting(schedule_bias=2)
    assert asked_for(mode="Inpaint", soft_schedule_bias=2).inpainting.soft is None


def test_outpainting_and_loopback_count_while_they_are_ticked():
    request = asked_for(
        outpainting=True, outpaint_up=64, outpaint_fill="mirror", loopback=True, loopback_loops=2
    )
    assert request.outpainting == Outpainting(left=128, right=128, up=64, fill="mirror")
    assert request.loopback == Loopback(loops=2)


def test_sides_go_with_a_mask_and_need_none():
    unmasked = Pictures(IMAGE, "", IMAGE, 512, 768, 0, 0)
    wanted = {"mode": "Inpaint", "outpainting": True, "inpaint_area": "Only masked"}
    request = asked_for(unmasked, **wanted)
    assert request.outpainting == Outpainting(left=128, right=128)
    assert request.inpainting == Inpainting(only_masked=True)
    assert asked_for(**wanted).inpainting == Inpainting(mask=MASK, only_masked=True)
    with pytest.raises(InvalidRequest, match="Nothing is masked"):
        asked_for(unmasked, **wanted | {"outpaint_left": 0, "outpaint_right": 0})


def test_resize_by_multiplies_the_picture_within_its_sides():
    request = asked_for(outpainting=True, resize_tab="Resize by", scale_by=0.5)
    assert request.outpainting == Outpainting(left=128, right=128, scale=0.5)
    shown = fields_of_img2img_request(request)
    assert (shown["resize_tab"], shown["scale_by"]) == ("Resize by", 0.5)


@pytest.mark.parametrize("scale", [1, 1.5])
def test_an_infotext_shows_the_sides_and_one_without_takes_them_back(scale):
    part = Outpainting(left=16, fill="mirror", blend=3, scale=scale)
    request = make_request(init_images=[IMAGE], outpainting=part).around_picture(512, 768)
    text = format_infotext(request, 0, PictureFacts())
    fields = fields_of_img2img_infotext(text, Settings())
    again = asked_for(**fields | {"variation_seed": "0"}).around_picture(512, 768)
    assert format_infotext(again, 0, PictureFacts()) == text
    plain = format_infotext(make_request(init_images=[IMAGE]), 0, PictureFacts())
    assert fields_of_img2img_infotext(plain, Settings())["outpainting"] is False


@pytest.mark.parametrize(
    ("scale", "size"), [(1, (512, 768)), (0.5, (256, 384)), (1.01, (512, 768)), (0.01, (8, 8))]
)
def test_resize_by_multiplies_the_pictures_size_in_steps_of_eight(scale, size):
    request = asked_for(resize_tab="Resize by", scale_by=scale, width=64, height=64)
    assert (request.width, request.height) == size


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "Batch"])
def test_without_a_picture_there_is_a_sentence(mode):
    with pytest.raises(InvalidRequest, match="no picture"):
        img2img_parts(DEFAULTS | {"mode": mode}, NO_PICTURES)


def test_without_a_mask_there_is_a_sentence():
    with pytest.raises(InvalidRequest, match="Nothing is masked"):
        asked_for(Pictures(IMAGE, "", IMAGE, 512, 512, 0, 0), mode="Inpaint")


def test_a_mask_of_another_shape_is_refused_with_both_sizes():
    with pytest.raises(InvalidRequest, match=r"100x200 .* 512x768"):
        asked_for(Pictures(IMAGE, MASK, IMAGE, 512, 768, 100, 200), mode="Inpaint upload")


def test_a_mask_of_the_same_shape_may_be_smaller():
    assert asked_for(Pictures(IMAGE, MASK, IMAGE, 512, 768, 256, 383), mode="Inpaint upload").inpainting


def test_what_the_canvas_tells_is_read():
    told = json.dumps({"image": IMAGE, "width": 64, "height": 32, "original": IMAGE})
    assert read_pictures(told) == Pictures(IMAGE, "", IMAGE, 64, 32, 0, 0)


@pytest.mark.parametrize("told", ["", None, "{", "[1]", '{"width": "wide"}'])
def test_a_canvas_that_tells_nonsense_holds_nothing(told):
    assert read_pictures(told) == NO_PICTURES


def test_the_canvas_own_sentence_is_passed_on():
    with pytest.raises(InvalidRequest, match="cannot be reached"):
        read_pictures(json.dumps({"problem": "The server cannot be reached."}))


@pytest.mark.parametrize("reference", ["../../etc/passwd", "a" * 63, "A" * 64])
def test_a_reference_that_is_none_is_refused(reference):
    with pytest.raises((InvalidRequest, ValidationError)):
        asked_for(Pictures(reference, "", "", 64, 64, 0, 0))


REQUESTS = [
    {},
    {
        "inpainting": Inpainting(
            mask=MASK, mask_blur_x=3, mask_blur_y=3, only_masked=True, masked_content="fill"
        )
    },
    {
        "inpainting": Inpainting(
            mask=MASK, invert=True, mask_blur_x=1, soft=SoftInpainting(mask_influence=0.5)
        )
    },
    {"outpainting": Outpainting(up=8, fill="blur")},
    {"loopback": Loopback(loops=3, curve="Lazy"), "resize_mode": "Crop and resize"},
]


@pytest.mark.parametrize("parts", REQUESTS)
def test_the_form_shows_a_request_so_that_it_makes_the_same_again(parts):
    request = make_request(init_images=[IMAGE], denoising_strength=0.5, width=64, height=96, **parts)
    assert asked_for(**fields_of_img2img_request(request) | {"variation_seed": "0"}) == request


@pytest.mark.parametrize("parts", REQUESTS[:2])
def test_a_pasted_infotext_makes_a_picture_with_that_infotext(parts):
    options = Settings().image
    request = make_request(
        init_images=[IMAGE], denoising_strength=0.5, width=64, height=96, options=options, **parts
    )
    text = format_infotext(request, 0, PictureFacts())
    mode = {"mode": "Inpaint"} if parts else {}
    fields = DEFAULTS | fields_of_img2img_infotext(text, Settings()) | {"variation_seed": "0"} | mode
    wanted, overrides = img2img_parts(fields, SHOWN)
    again = make_request(
        options=Settings().changed(overrides).image, **{k: v for k, v in wanted.items() if k != "styles"}
    )
    assert format_infotext(again, 0, PictureFacts()) == text


def test_an_infotext_without_a_mask_leaves_the_masks_fields_alone():
    text = format_infotext(make_request(), 0, PictureFacts())
    assert not {"mask_blur", "mode", "padding"} & set(fields_of_img2img_infotext(text, Settings()))
