import math
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.prompt_goldens import prompts
from webui.core import attention
from webui.core.attention import BREAK, WeightedText, parse_attention

MARKED_TEXT = st.lists(
    st.sampled_from([*"()[]:\\ ab", "BREAK", ":1.2)", ":-1)", ":1.2.3)", "1.1", "\n"])
).map("".join)


def runs(text):
    return [(run.text, run.weight) for run in parse_attention(text).runs]


@pytest.mark.parametrize(("prompt", "expected"), prompts("attention"))
def test_runs_and_weights_are_those_of_a1111(prompt, expected):
    assert runs(prompt) == [tuple(run) for run in expected]


def test_a_weight_that_is_no_number_is_text_with_a_warning():
    parsed = parse_attention("(a:1.2.3) b")
    assert parsed.runs == (WeightedText("a:1.2.3", 1.1), WeightedText(" b", 1.0))
    assert "1.2.3" in parsed.warnings[0]


def test_a_prompt_without_mistakes_gives_no_warning():
    assert parse_attention("(a:1.2) [b] \\(c\\)").warnings == ()


def test_break_between_words_is_a_mark():
    assert [run.is_break for run in parse_attention("a BREAK b").runs] == [False, True, False]


def test_break_inside_weighted_brackets_is_a_word():
    attention = parse_attention("(a BREAK b:1.2)")
    assert WeightedText(BREAK, -1.2) in attention.runs
    assert not any(run.is_break for run in attention.runs)


def test_escaped_brackets_keep_their_weight():
    assert runs(r"\(a\) \[b\]") == [("(a) [b]", 1.0)]


@given(MARKED_TEXT)
def test_no_text_is_lost_but_marks(text):
    letters = [character for character in text if character in "ab"]
    read = "".join(run.text for run in parse_attention(text).runs)
    assert [character for character in read if character in "ab"] == letters


@given(st.text() | MARKED_TEXT)
def test_any_text_has_runs_and_neighbours_differ_in_weight(text):
    weights = [run.weight for run in parse_attention(text).runs]
    assert weights
    assert all(left != right or math.isnan(left) for left, right in pairwise(weights))


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "(a" * 3_333 + ")" * 3_333, "[" * 5_000 + "]" * 5_000, ":" * 10_000]
)
def test_ten_thousand_marks_are_read_quickly(text):
    start = time.perf_counter()
    parse_attention(text)
    assert time.perf_counter() - start < 5


@given(MARKED_TEXT)
def test_products_that_are_shared_are_those_of_a1111(prompt):
    exact = parse_attention(prompt).runs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "_MAX_EXACT_PRODUCTS", -1)
        shared = parse_attention(prompt).runs
    weights = [[run.weight for run in runs for _ in run.text] for runs in (exact, shared)]
    assert weights[1] == pytest.approx(weights[0])
    assert "".join(run.text for run in shared) == "".join(run.text for run in exact)
