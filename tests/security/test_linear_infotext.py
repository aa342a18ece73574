"""Reading and writing infotext takes time in proportion to its length, whatever the text is made of."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webui.core.infotext_syntax import join_fields
from webui.core.request_infotext import read_with_problems

LETTERS = 300_000
FEWER_LETTERS = 50_000
# Four times the text takes four times as long, or sixteen times where the time is quadratic.
PARTS = 4
MOST_TIMES_FOR_FOUR = 12
MOST_SECONDS = 12
# Faster ones are not measured well enough to compare.
FEWEST_SECONDS = 0.15
UNITS = [
    "a",
    " ",
    "\n",
    "\r\n",
    ":",
    ",",
    '"',
    "\\",
    '\\"',
    "(",
    "[",
    "{",
    "<",
    "a:",
    "aa:",
    "aa:\n",
    "aa: b,",
    'aa:"',
    'aa:"b",',
    'aa:"b"c,',
    'aa:"\\",',
    "aa:[1,",
    'Hashes: ["',
    "Hashes: {",
    "Steps:",
    "Steps: 1,",
    "Steps: 1\n",
    "Steps: 1, Sampler: x, Seed: 2\n",
    "Steps: 1 | ",
    "steps ",
    "Negative prompt:",
    "negative prompt ",
    "negative prompt:\n",
    "Size: 1x1,",
    "Template: a\n",
    "aa: b\n",
    "a b ",
    "- ",
    "-",
    "<br>",
    "&lt;lora:",
    "&",
    "|",
    "**",
    "**steps:**",
    "\\n",
    "\\nSteps:",
    "Steps=1 ",
    ";",
    "\t",
    "model ",
    "hires steps: 1 ",
    "{|",
    "(a:1.1)",
    "[a:b:",
    "<lora:",
    "\ufeff",
    "\0",
    "\uff1a",
    "漢",
]


def seconds(text: str) -> float:
    start = time.thread_time()
    read_with_problems(text)
    return time.thread_time() - start


def check_linear(unit: str, letters: int, before: str = "", after: str = "") -> None:
    """Four times the text takes about four times as long; a machine that is busy gets another try."""
    text = (unit * (letters // len(unit) + 1))[:letters]
    for _ in range(3):
        whole = seconds(before + text + after)
        assert whole < MOST_SECONDS, f"{unit!r} takes {whole:.1f} s"
        if whole < FEWEST_SECONDS:
            return
        part = seconds(before + text[: letters // PARTS] + after)
        if whole < part * MOST_TIMES_FOR_FOUR:
            return
    raise AssertionError(f"{unit!r} takes {part:.2f} s, and {whole:.2f} s for {PARTS} times the length")


@pytest.mark.parametrize("unit", UNITS)
def test_any_repeated_piece_is_read_in_linear_time(unit):
    check_linear(unit, LETTERS)


@pytest.mark.parametrize("unit", UNITS)
def test_any_repeated_piece_among_fields_is_read_in_linear_time(unit):
    before = "a hill\nNegative prompt: fog\nSteps: 12, Sampler: Euler a, Note: "
    check_linear(unit, FEWER_LETTERS, before, ", Seed: 8, Size: 64x64")


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.text(alphabet='aA1 :,"\\\n|;[]{}()<>-=x', min_size=1, max_size=12))
def test_any_shape_is_read_in_linear_time(unit):
    check_linear(unit, FEWER_LETTERS)


@pytest.mark.parametrize("unit", UNITS)
def test_any_repeated_piece_is_written_in_linear_time(unit):
    value = (unit * LETTERS)[:LETTERS]
    start = time.thread_time()
    join_fields(value, value, {"Steps": 1, "Note": value, "Other": value})
    assert time.thread_time() - start < MOST_SECONDS
