import gc
import time
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompts.tokenizer import END_ID, START_ID, ClipTokenizer, clip_tokenizer


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("A  Cat\n\tand A DOG ", "a cat and a dog"),
        ("\u201cit\u2019s\u201d", '"it\'s"'),
        ("\uff23\uff21\uff34", "cat"),
        ("", "   "),
    ],
)
def test_spelling_that_means_the_same_has_the_same_tokens(text, same):
    assert clip_tokenizer().encode(text) == clip_tokenizer().encode(same)


def test_each_digit_is_a_token():
    assert len(clip_tokenizer().encode("2024")) == 4


def test_marks_of_start_and_end_in_a_prompt_are_single_tokens():
    assert clip_tokenizer("transformers").encode("<|startoftext|>a<|endoftext|>") == [START_ID, 320, END_ID]
    assert clip_tokenizer("open_clip").encode("<start_of_text>a<end_of_text>") == [START_ID, 320, END_ID]


def test_the_marks_of_the_other_style_are_text():
    assert END_ID not in clip_tokenizer("open_clip").encode("<|endoftext|>")


def test_only_open_clip_resolves_html_beside_tags():
    assert clip_tokenizer("open_clip").encode("<b> &amp; c") == clip_tokenizer().encode("<b> & c")
    assert clip_tokenizer("transformers").encode("<b> &amp; c") != clip_tokenizer().encode("<b> & c")


def test_the_comma_is_known():
    assert clip_tokenizer().encode(",") == [clip_tokenizer().comma_id]


@given(st.text())
def test_any_text_has_tokens_of_the_vocabulary(text):
    assert all(0 <= token <= END_ID for token in clip_tokenizer().encode(text))


@given(st.text(alphabet="abcxyz ,.'0123456789"), st.text(alphabet="abcxyz ,.0123456789"))
def test_texts_apart_by_a_space_have_their_tokens_in_turn(left, right):
    encode = clip_tokenizer().encode
    assert encode(f"{left} {right}") == encode(left) + encode(right)


def test_making_a_tokenizer_is_quick():
    gc.collect()
    start = time.perf_counter()
    ClipTokenizer("transformers")
    # 0.06 s on an idle machine.
    assert time.perf_counter() - start < 1


def test_a_word_of_ten_thousand_letters_is_read_quickly():
    start = time.perf_counter()
    clip_tokenizer().encode("x" * 10_000 + " " + "[" * 10_000 + "abcdefghij" * 1_000)
    assert time.perf_counter() - start < 5


def merged_one_pair_at_a_time(pieces: list[str], ranks: Mapping[str, int]) -> list[str]:
    """Sennrich et al. 2016 as written: the pair of lowest rank is joined wherever it stands, and so on."""
    while len(pieces) > 1:
        best = min(pairwise(pieces), key=lambda pair: ranks.get(" ".join(pair), len(ranks)))
        if " ".join(best) not in ranks:
            break
        joined: list[str] = []
        for piece in pieces:
            if joined and (joined[-1], piece) == best:
                joined[-1:] = [piece_of_two(joined[-1], piece)]
            else:
                joined.append(piece)
        pieces = [piece.replace(GLUE, "") for piece in joined]
    return pieces


GLUE = "\0"


def piece_of_two(left: str, right: str) -> str:
    """Marked, so that what was just joined is not joined again in the same round."""
    return f"{left}{GLUE}{right}"


@given(
    st.one_of(
        st.text("aeinrst", max_size=40),
        st.text("ab", max_size=60),
        st.lists(
            st.sampled_from(["the", "ing", "er", "an", "ana", "tion", "ss", "é", "漢"]), max_size=12
        ).map("".join),
    ).filter(str.isalpha)
)
def test_words_are_merged_as_the_paper_does(word):
    tokenizer = clip_tokenizer()
    pieces = [tokenizer._byte_letters[byte] for byte in word.encode()]
    pieces[-1] += "</w>"
    expected = merged_one_pair_at_a_time(pieces, tokenizer._ranks)
    assert list(tokenizer._encode_word(word)) == [tokenizer._ids[piece] for piece in expected]
