"""No prompt keeps a parser busy: each takes time in proportion to its length, whatever stands in it.

The bound is generous: what grows with the square of the length takes ten times as long and more.
"""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webui.core.attention import parse_attention
from webui.core.errors import InvalidRequest
from webui.core.style import Style
from webui.prompts.chunks import Chunking, EmbeddingNames, chunk_text
from webui.prompts.conditioning import Timeline, token_count
from webui.prompts.networks import add_networks, find_networks, names_in, rename_networks
from webui.prompts.schedule import prompt_schedule
from webui.prompts.styles import Styles
from webui.prompts.syntax import lift_networks, split_and, strip_comments
from webui.prompts.tokenizer import clip_tokenizer
from webui.store.pictures.filenames import split_arguments

CHARACTERS = 50_000
SLOWEST_S = 3.0
LONGEST, SLOWEST_OF_THE_LONGEST_S = 1_000_000, 20.0
PIECES = (
    "[a|", "[a:", "((", "(", "\\(", "[[", "[", ":1.2)", "(a:1.2)", "(a:", "([", "[(", "<lora:",
    "<lora:a:1>", "<lora:a=", "<a:b", "<", ">", "AND", "AND ", "a AND b :1 ", "BREAK", " BREAK ",
    "#", "\n#", "\n", "\r\n", " ", "\t", "\xa0", "\"", "'", "é", "́", "\u200d", "a", "ab1", "qzx",
    "é", "漢", "🙂", "\\", "|", "::", "[a:b:", "[a|b]", "[a:b:0.5]", "[[a|b]:c:", "]", ")", "[]",
    "[|", "&amp;", "&", "<|endoftext|>", ",", "1", "1.", ":1", "Ã©", "\x1b[", "\x00", "\ud800", "İ",
    "=", "__a__", "{a|",
)  # fmt: skip
TIMELINE = Timeline(20)
TOKENIZER = clip_tokenizer()
NAMES = EmbeddingNames(TOKENIZER, {f"a {number} b": 1 for number in range(500)} | {"a a a": 2})
CHUNKING = Chunking(TOKENIZER, embeddings=NAMES)
OPEN_CLIP = Chunking(clip_tokenizer("open_clip"))
STYLES = Styles((Style("around", "{prompt}, x", "y"), Style("after", "q")))
PARSERS: dict[str, Callable[[str], object]] = {
    "attention": parse_attention,
    "AND": split_and,
    "networks": lambda text: (lift_networks(text), find_networks(text), names_in(text)),
    "changed networks": lambda text: (
        add_networks(text, [("lora", "x", 1.0)]),
        rename_networks(text, {"a": "b"}),
    ),
    "comments": strip_comments,
    "schedule": lambda text: prompt_schedule(text, 20, 10),
    "chunks": lambda text: chunk_text(text, CHUNKING),
    "chunks of open_clip": lambda text: chunk_text(text, OPEN_CLIP),
    "styles": lambda text: STYLES.extract(STYLES.apply(text, ["around", "after"]), text),
    "pattern of a file name": split_arguments,
}


def seconds(parse: Callable[[str], object], text: str) -> float:
    start = time.perf_counter()
    parse(text)
    return time.perf_counter() - start


def slow_parsers(text: str) -> dict[str, float]:
    taken = {name: seconds(parse, text) for name, parse in PARSERS.items()}
    return {name: each for name, each in taken.items() if each > SLOWEST_S}


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_repeated_keeps_no_parser_busy(piece: str) -> None:
    assert not slow_parsers(piece * (CHARACTERS // len(piece)))


@pytest.mark.parametrize(
    ("first", "then"), [("(", ")"), ("[", "]"), ("[a|", "]"), ("[", ":b:1]"), ("<", ">")]
)
def test_deep_brackets_that_close_keep_no_parser_busy(first: str, then: str) -> None:
    depth = CHARACTERS // len(first + then)
    assert not slow_parsers(first * depth + then * depth)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), min_size=1, max_size=8).map("".join))
def test_any_shape_repeated_keeps_no_parser_busy(shape: str) -> None:
    assert not slow_parsers(shape * (CHARACTERS // max(len(shape), 1)))


@pytest.mark.parametrize("piece", ["[a|", "\n", "qzx"])
def test_a_million_characters_are_parsed(piece: str) -> None:
    text = piece * (LONGEST // len(piece))
    assert seconds(lambda each: chunk_text(each, CHUNKING), text) < SLOWEST_OF_THE_LONGEST_S
    assert seconds(lambda each: prompt_schedule(each, 20), text) < SLOWEST_OF_THE_LONGEST_S


def test_the_counter_of_a_long_alternation_answers() -> None:
    count = CHARACTERS // 5
    assert (
        seconds(lambda text: token_count(text, TIMELINE, CHUNKING), "[a|b]" * count)
        < SLOWEST_S * TIMELINE.steps
    )


def test_a_style_that_doubles_the_prompt_is_refused_before_the_memory_is_full() -> None:
    styles = Styles((Style("double", "{prompt} {prompt}"),))
    with pytest.raises(InvalidRequest, match="styles"):
        styles.apply("a cat", ["double"] * 60)
