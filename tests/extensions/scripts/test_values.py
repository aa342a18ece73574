"""The value syntax of A1111's X/Y/Z plot."""

import csv
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extensions.scripts.values import MOST_VALUES, join_values, read_values, split_values
from webui.core.errors import InvalidRequest

WHOLE_CASES = {
    "6,8": [6, 8],
    " 6 , 8 ": [6, 8],
    "1-5": [1, 2, 3, 4, 5],
    "1-5 (+2)": [1, 3, 5],
    "1-6(+2)": [1, 3, 5],
    "10-5 (-3)": [10, 7],
    "1-10 [5]": [1, 3, 5, 7, 10],
    "-2-1": [-2, -1, 0, 1],
    "-3--1": [-3, -2, -1],
    "-1": [-1],
    "+7": [7],
    "5-5": [5],
    "9-5": [],
    "1,,3": [1, 3],
    "1\n2": [1, 2],
    "20, 30-32, 0-10 [3]": [20, 30, 31, 32, 0, 5, 10],
    "": [],
}
NUMBER_CASES = {
    "5,9": [5.0, 9.0],
    "1-3": [1.0, 2.0, 3.0],
    "0-1 (+0.5)": [0.0, 0.5, 1.0],
    # A step that does not fit passes the end, as in A1111.
    "0-1 (+0.4)": pytest.approx([0.0, 0.4, 0.8, 1.2]),
    "0.2-0.8 [4]": pytest.approx([0.2, 0.4, 0.6, 0.8]),
    "1-0 (-0.5)": [1.0, 0.5, 0.0],
    "7.5": [7.5],
    "1e2": [100.0],
    "-0.5": [-0.5],
}


def read(text: str, kind):
    return read_values(split_values(text), kind)


@pytest.mark.parametrize("text", WHOLE_CASES)
def test_whole_numbers(text: str):
    assert read(text, "whole") == WHOLE_CASES[text]


@pytest.mark.parametrize("text", NUMBER_CASES)
def test_numbers(text: str):
    values = read(text, "number")
    assert values == NUMBER_CASES[text]
    assert all(isinstance(value, float) for value in values)


def test_commas_in_quotes_do_not_part_values():
    assert split_values('cat, "dog, small", "a ""b"""') == ["cat", "dog, small", 'a "b"']
    assert read('cat, "dog, small"', "text") == ["cat", "dog, small"]


def test_an_order_has_all_permutations():
    assert read("a,b,c", "order") == [
        ("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c"), ("b", "c", "a"), ("c", "a", "b"), ("c", "b", "a"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["six", "1.5", "1-2-3", "1-5 (x)", "1-5 (+0)", "(+2)", "٣x", "9" * 5000])
def test_what_is_no_whole_number_is_named_in_a_sentence(text: str):
    with pytest.raises(InvalidRequest, match=r"Write whole numbers|[Uu]se a larger step"):
        read(text, "whole")


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "0-1 (0.0)", "a-b"])
def test_what_is_no_number_is_named_in_a_sentence(text: str):
    with pytest.raises(InvalidRequest, match="Write numbers"):
        read(text, "number")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0-999999999999", "whole"),
        ("0-1 (+0.0000000001)", "number"),
        ("0-1 [999999999]", "number"),
        ("0-9 [999999999]", "whole"),
        (",".join("abcdefghijkl"), "order"),
        (",".join(["1-9000"] * 3), "whole"),
    ],
)
def test_more_values_than_anybody_means_are_refused_at_once(text: str, kind):
    with pytest.raises(InvalidRequest, match="more than 10000 values"):
        read(text, kind)


@given(st.lists(st.text(st.characters(exclude_categories=("C",)), min_size=1), min_size=1))
def test_choices_come_back_from_their_text(values: list[str]):
    values = [" ".join(value.split()) or "x" for value in values]
    assert split_values(join_values(values)) == values


@given(st.integers(-50, 50), st.integers(0, 200), st.integers(1, 30))
def test_ranges_of_whole_numbers_hold_every_step_up_to_the_end(start: int, more: int, step: int):
    values = read(f"{start}-{start + more} (+{step})", "whole")
    assert values == [start + step * number for number in range(more // step + 1)]


@given(st.integers(-50, 50), st.integers(-100, 100), st.integers(1, 40))
def test_counts_give_so_many_numbers_from_start_to_end(start: int, end: int, count: int):
    values = read(f"{start}-{end} [{count}]", "number")
    assert len(values) == count
    assert values[0] == start
    assert count == 1 or math.isclose(values[-1], end)
    gaps = [float(b) - float(a) for a, b in pairwise(values)]
    assert not gaps or max(gaps) - min(gaps) < 1e-5


@given(st.text(max_size=60), st.sampled_from(["whole", "number", "text", "order"]))
def test_any_text_gives_values_or_a_sentence(text: str, kind):
    try:
        values = read(text, kind)
    except InvalidRequest as error:
        assert str(error)
        return
    assert len(values) <= MOST_VALUES


def test_a_field_longer_than_the_parser_takes_is_a_sentence():
    with pytest.raises(InvalidRequest, match="cannot be read"):
        split_values("x" * (csv.field_size_limit() + 1))
