import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.prompts.chunks import Chunking, chunk_text
from webui.prompts.conditioning import PromptPart, Timeline, plan, token_count
from webui.prompts.schedule import ScheduledText
from webui.prompts.tokenizer import clip_tokenizer

TEN_STEPS = Timeline(10)


def count(prompt, **how):
    return token_count(prompt, TEN_STEPS, Chunking(clip_tokenizer()), **how)


def test_a_plan_has_each_and_part_with_its_schedule():
    parts = plan("a [b:c:4]:1.5 AND d", TEN_STEPS).parts
    assert parts == (
        PromptPart(1.5, (ScheduledText(4, "a b"), ScheduledText(10, "a c"))),
        PromptPart(1.0, (ScheduledText(10, " d"),)),
    )


def test_a_negative_prompt_is_not_split():
    assert plan("a AND b:2", TEN_STEPS, is_negative=True).parts == (
        PromptPart(1.0, (ScheduledText(10, "a AND b:2"),)),
    )


def test_a_hires_plan_counts_on():
    (part,) = plan("[a:b:1.5]", Timeline(10, hires_steps=8)).parts
    assert part.schedule == (ScheduledText(4, "a"), ScheduledText(8, "b"))


def test_texts_to_encode_are_named_once():
    assert plan("[a|b]", TEN_STEPS).texts == ("a", "b")


def test_warnings_of_all_parts_are_told_once():
    assert len(plan("(a:1.2.3) AND (b:1.2.3)", TEN_STEPS).warnings) == 1


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", (0, 75)),
        ("a cat", (2, 75)),
        ("a cat # a comment", (2, 75)),
        ("a cat <lora:x:1>", (2, 75)),
        ("[a cat:a cat and a dog:5]", (5, 75)),
        ("a AND a cat", (2, 75)),
        ("a BREAK b", (76, 150)),
    ],
)
def test_the_counter_shows_the_longest_text(prompt, expected):
    assert count(prompt) == expected


def test_the_counter_of_a_negative_prompt_does_not_split():
    assert count("a AND b", is_negative=True) == (3, 75)


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from([*"[]():|ab,\\ ", "AND", "BREAK", "<lora:", ">", ":5]", "#", "\n"]),
        min_size=1,
        max_size=6,
    )
)
def test_ten_thousand_characters_are_planned_and_chunked_quickly(unit):
    start = time.perf_counter()
    planned = plan(("".join(unit) * 10_000)[:10_000], Timeline(2))
    for text in planned.texts[:3]:
        chunk_text(text, Chunking(clip_tokenizer()))
    assert time.perf_counter() - start < 10
