import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prompts.prompt_goldens import prompts
from webui.prompts.schedule import ScheduledText, prompt_schedule

MARKS = [*"[]():|ab \\\n", "5", "0.5", "[a:b:3]", "[x|y]", ":3]", "-1", "1.5", "1e99999", "AND"]
MARKED_TEXT = st.lists(st.sampled_from(MARKS), max_size=60).map("".join)


def entries(schedule):
    return [[entry.end_at_step, entry.text] for entry in schedule]


@pytest.mark.parametrize(("prompt", "expected"), prompts("schedule_10"))
def test_schedules_are_those_of_a1111(prompt, expected):
    assert entries(prompt_schedule(prompt, 10)) == expected


@pytest.mark.parametrize(("prompt", "expected"), prompts("schedule_10_hires_10"))
def test_the_hires_pass_counts_on_as_in_a1111(prompt, expected):
    assert entries(prompt_schedule(prompt, 10, 10)) == expected


@pytest.mark.parametrize(("prompt", "expected"), prompts("schedule_10_hires_7"))
def test_a_shorter_hires_pass_counts_on_as_in_a1111(prompt, expected):
    assert entries(prompt_schedule(prompt, 10, 7)) == expected


@pytest.mark.parametrize(("prompt", "expected"), prompts("schedule_10_old"))
def test_old_timelines_are_those_of_a1111(prompt, expected):
    assert entries(prompt_schedule(prompt, 10, old_timelines=True)) == expected


# Prompts beyond the goldens; A1111 1.10.1's own parser gave these.
@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("[a:b: 5 ]", [[5, "a"], [10, "b"]]),
        ("[a:b:-2]", [[10, "b"]]),
        ("[a:b:c:5]", [[10, "[a:b:c:5]"]]),
        ("(x:[a:b:3])", [[3, "(x:a)"], [10, "(x:b)"]]),
        ("[a|b:5]", [[10, "[a|b:5]"]]),
        ("[a:b|c]", [[10, "[a:b|c]"]]),
        (
            "[[a|b]:[c:d:7]:2]",
            [[1, "a"], [2, "b"], *[[n, "c"] for n in range(3, 8)], *[[n, "d"] for n in (8, 9, 10)]],
        ),
        ("((a][:b:c [d:3]", [[3, "((a][:b:c "], [10, "((a][:b:c d"]]),
        ("[a:b:3] c\\", [[10, "[a:b:3] c\\"]]),
        ("[a\\:b:c:3]", [[3, "a\\:b"], [10, "c"]]),
    ],
)
def test_the_grammar_is_a1111s(prompt, expected):
    assert entries(prompt_schedule(prompt, 10)) == expected


def test_a_stray_bracket_does_not_stop_a_change():
    assert prompt_schedule("[a:b:3] (c", 10) == (ScheduledText(3, "a (c"), ScheduledText(10, "b (c"))


@given(st.text() | MARKED_TEXT, st.integers(1, 30), st.none() | st.integers(1, 30), st.booleans())
def test_any_text_has_a_rising_schedule_to_the_last_step(text, steps, hires_steps, old):
    schedule = prompt_schedule(text, steps, hires_steps, old_timelines=old)
    ends = [entry.end_at_step for entry in schedule]
    assert ends == sorted(set(ends))
    assert ends[-1] == (steps if hires_steps is None or old else hires_steps)


@given(st.text(alphabet="ab ,.()0123456789"))
def test_text_without_square_brackets_never_changes(text):
    assert prompt_schedule(text, 10) == (ScheduledText(10, text),)


@given(MARKED_TEXT, st.integers(1, 9))
def test_a_change_around_plain_text_shows_it_from_its_step_on(text, step):
    inner = "".join(character for character in text if character not in "[]():|\\")
    schedule = prompt_schedule(f"[:{inner}:{step}]", 10)
    assert schedule[0] == ScheduledText(step, "")
    assert schedule[-1] == ScheduledText(10, inner)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(MARKS), min_size=1, max_size=5).map("".join))
def test_ten_thousand_characters_of_marks_are_read_quickly(unit):
    start = time.perf_counter()
    prompt_schedule((unit * 10_000)[:10_000], 20)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "prompt",
    [
        "[" * 10_000,
        "[" * 5_000 + "]" * 5_000,
        "[" * 2_000 + ":5]" * 2_000,
        "[" * 2_500 + "a|b]" * 2_500,
        "(" * 10_000,
    ],
)
def test_deep_brackets_are_read_without_recursion(prompt):
    assert prompt_schedule(prompt, 20)[-1].end_at_step == 20
