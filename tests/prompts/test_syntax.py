import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.prompt_goldens import goldens, prompts
from webui.prompts.syntax import AndPart, ExtraNetwork, lift_networks, split_and, strip_comments


@pytest.mark.parametrize("key", sorted(goldens()["prompts"][0].keys() - {"prompt"}))
def test_only_a_weight_of_two_points_is_left_out_of_the_goldens(key):
    """A1111 fails on it; ours takes it as text."""
    every, run = [case["prompt"] for case in goldens()["prompts"]], {prompt for prompt, _ in prompts(key)}
    left_out = [prompt for prompt in every if prompt not in run]
    assert left_out == (["(a:1.2.3)"] if key in ("attention", "chunks") else [])
    assert len(every) == 134


@pytest.mark.parametrize(("prompt", "expected"), prompts("multicond"))
def test_and_splits_as_in_a1111(prompt, expected):
    texts = [(expected["prompts"][index], weight) for index, weight in expected["indexes"]]
    assert [(part.text, part.weight) for part in split_and(prompt)] == texts


@pytest.mark.parametrize(("prompt", "expected"), prompts("extra_networks"))
def test_networks_are_lifted_as_in_a1111(prompt, expected):
    text, networks = lift_networks(prompt)
    by_kind = {}
    for network in networks:
        entry = {"items": [*network.arguments], "positional": [*network.positional], "named": network.named}
        by_kind.setdefault(network.kind, []).append(entry)
    assert {"prompt": text, "networks": by_kind} == expected


def test_a_part_of_several_lines_has_its_weight():
    assert split_and("a\nb : .5\nAND c") == (AndPart("a\nb", 0.5), AndPart(" c", 1.0))


def test_only_the_last_number_is_a_weight():
    assert split_and("a:1:2") == (AndPart("a:1", 2.0),)


def test_an_argument_with_two_equal_signs_is_positional():
    _, networks = lift_networks("<lora:x:te=1:a=b=c>")
    assert networks == (ExtraNetwork("lora", ("x", "te=1", "a=b=c")),)
    assert networks[0].positional == ("x", "a=b=c")
    assert networks[0].named == {"te": "1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", "a cat"),
        ("# all of it", "\n"),
        ("a # not this", "a \n"),
        ("a\n# not this\nb", "a\nb"),
        ("a # x\nb # y\nc", "a \nb \nc"),
        ("#1\n#2\na", "\n\na"),
    ],
)
def test_comments_end_with_their_line(text, expected):
    assert strip_comments(text) == expected


@given(st.text(alphabet="ab#\n "))
def test_no_comment_is_left(text):
    assert "#" not in strip_comments(text)


@given(st.lists(st.sampled_from(["AND", " ", "a", ":", "1", ".", "-", "\n", "<lora:x>", "b"])).map("".join))
def test_splitting_never_fails_and_keeps_a_part_for_each_side(text):
    assert len(split_and(lift_networks(text)[0])) >= 1


@pytest.mark.parametrize(
    "text", [" " * 10_000 + "a" + " " * 10_000, "a AND " * 5_000, "<" * 10_000, "<a:" * 5_000]
)
def test_long_texts_are_split_quickly(text):
    start = time.perf_counter()
    split_and(lift_networks(strip_comments(text))[0])
    assert time.perf_counter() - start < 3
