"""Options behind the prompts of samples, as kohya writes them."""

import pytest

from webui.training.samples import SamplePicture, read_options


def read(text: str) -> SamplePicture:
    return read_options(SamplePicture(text, 1, 256, 256))


def test_options_stand_behind_the_prompt():
    found = read("a cat, red --n ugly, blurred --w 500 --h 128 --d 9 --l 3.5 --s 12")
    assert found == SamplePicture("a cat, red", 9, 512, 128, 3.5, "ugly, blurred", 12)


@pytest.mark.parametrize("text", ["a cat", "a --wide cat", "a cat --w wide", "--x 3", "a -- b"])
def test_what_is_no_option_stays_in_the_prompt(text):
    assert read(text) == SamplePicture(text, 1, 256, 256)


@pytest.mark.parametrize("text", ["a --w 1000000 --h 1 --s 99999999 --l 1e9", "a --w -5 --s 0 --l -2 --d -1"])
def test_options_stay_within_what_can_be_drawn(text):
    found = read(text)
    assert 64 <= found.width <= 2048
    assert 64 <= found.height <= 2048
    assert 1 <= found.steps <= 150
    assert 1 <= found.cfg_scale <= 100
    assert 0 <= found.seed < 2**32
