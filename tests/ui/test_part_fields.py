"""Hires fix and refiner between the form and a request."""

import pytest

from webui.core.errors import InvalidRequest
from webui.core.request import make_request
from webui.ui.generation_parts import PART_DEFAULTS, fields_of_parts, final_size, request_of_parts

ON = PART_DEFAULTS | {"hires": True}
SIZE = {"width": 512, "height": 768}


def test_what_is_switched_off_is_not_asked_for():
    assert request_of_parts(PART_DEFAULTS) == {}


def test_the_lists_same_as_first_is_an_empty_field_of_the_request():
    hires = make_request(**request_of_parts(ON)).hires
    assert hires is not None
    assert (hires.model, hires.sampler, hires.schedule) == ("", "", "")
    assert (hires.upscaler, hires.scale, hires.steps) == ("Latent", 2, 0)


def test_everything_of_the_second_pass_comes_back():
    fields = ON | {
        "hires_upscaler": "Lanczos",
        "hires_steps": 12,
        "hires_scale": 1.5,
        "hires_width": 640,
        "hires_height": 960,
        "hires_model": "other [0123456789]",
        "hires_sampler": "Euler a",
        "hires_schedule": "Karras",
        "hires_prompt": "finer",
        "hires_negative_prompt": "coarse",
        "refiner": True,
        "refiner_model": "last",
        "refiner_switch_at": 0.6,
    }
    request = make_request(**request_of_parts(fields))
    assert fields_of_parts(request.model_dump()) == fields


def test_a_part_that_is_not_there_is_switched_off_and_its_values_stay():
    assert fields_of_parts({"hires": None}) == {"hires": False, "refiner": False}


def test_a_refiner_without_a_checkpoint_is_refused():
    with pytest.raises(InvalidRequest, match="no checkpoint is chosen"):
        request_of_parts({"refiner": True, "refiner_model": "", "refiner_switch_at": 0.8})


@pytest.mark.parametrize(
    ("sizes", "final"),
    [
        ({}, (1024, 1536)),
        ({"hires_scale": 1.3}, (664, 992)),
        ({"hires_width": 1024}, (1024, 1536)),
        ({"hires_height": 960}, (640, 960)),
        ({"hires_width": 800, "hires_height": 800}, (800, 800)),
        ({"hires_width": 804}, (800, 1200)),
    ],
)
def test_the_size_told_is_that_of_the_picture_that_comes_out(sizes, final):
    assert final_size(ON | SIZE | sizes) == final


@pytest.mark.parametrize("wrong", [{"hires": False}, {"hires_scale": 0.1}, {"width": None}, {"width": 513}])
def test_there_is_no_size_to_tell_where_the_pass_is_off_or_the_fields_are_wrong(wrong):
    assert final_size(ON | SIZE | wrong) is None
