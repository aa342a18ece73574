"""Networks named in prompts."""

import pytest

from webui.prompts.networks import (
    HypernetworkChoice,
    LoraChoice,
    add_networks,
    find_networks,
    names_in,
    rename_networks,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<lora:a>", LoraChoice("a", 1, 1)),
        ("<lora:a:0.5>", LoraChoice("a", 0.5, 0.5)),
        ("<lora:a:0.5:0.7>", LoraChoice("a", 0.5, 0.7)),
        ("<lora:a:0.5:0.7:4>", LoraChoice("a", 0.5, 0.7, 4)),
        ("<lora:a:te=0.5>", LoraChoice("a", 0.5, 0.5)),
        ("<lora:a:unet=0.5>", LoraChoice("a", 1, 0.5)),
        ("<lora:a:0.3:unet=2:dyn=8:te=1>", LoraChoice("a", 1, 2, 8)),
        ("<lyco:a:-1>", LoraChoice("a", -1, -1)),
    ],
)
def test_weights_are_read_by_place_and_by_name(written: str, expected: LoraChoice):
    assert find_networks(f"a cat {written} b").loras == (expected,)


def test_a_name_written_twice_counts_twice_with_its_last_weight():
    assert find_networks("<lora:a:1><lora:b:2><lora:a:3>").loras == (
        LoraChoice("a", 3, 3),
        LoraChoice("b", 2, 2),
        LoraChoice("a", 3, 3),
    )


def test_the_spelling_that_comes_first_is_applied_first():
    assert [each.name for each in find_networks("<lyco:a><lora:b><lyco:c>").loras] == ["a", "c", "b"]


@pytest.mark.parametrize("written", ["<lora:a:much>", "<lora:a:nan>", "<lora:a:1:1:x>", "<hypernet:h:inf>"])
def test_a_weight_that_is_no_number_leaves_the_network_out_and_says_so(written: str):
    found = find_networks(written)
    assert not found.loras
    assert not found.hypernetworks
    assert written in found.warnings[0]


def test_other_kinds_are_told():
    assert "'lra'" in find_networks("<lra:x:1>").warnings[0]


def test_hypernetworks_have_one_weight():
    assert find_networks("<hypernet:h> <hypernet:g:0.5>").hypernetworks == (
        HypernetworkChoice("h"),
        HypernetworkChoice("g", 0.5),
    )


def test_a_chosen_network_is_added_unless_the_prompt_names_it():
    marks = [("lora", "a", 1.0), ("hypernet", "h", 0.5)]
    assert add_networks("x <lora:a:0.3>", marks) == "x <lora:a:0.3><hypernet:h:0.5>"


def test_names_can_be_exchanged():
    text = "<lora:a b:1> <lyco:c> <hypernet:a b>"
    assert names_in(text) == ("a b", "c")
    assert rename_networks(text, {"a b": "d"}) == "<lora:d:1> <lyco:c> <hypernet:a b>"
