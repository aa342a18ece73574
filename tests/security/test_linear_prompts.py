"""No prompt keeps a parser busy: each takes time in proportion to its length, whatever stands in it.

What counts is how the time grows: four times the length takes four times as long, or sixteen times where it
grows with the square. Seconds alone would tell of the machine, and of what else it does.
"""

import gc
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
LONGEST = 1_000_000
# Four for what is linear, sixteen for what is not; less time than this tells nothing.
MOST_GROWTH, NOTHING_S, LOOKS = 9.0, 0.25, 4
# A text of about so many characters.
Writer = Callable[[int], str]
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
    """What the processor spent on it: neither other threads and programs count, nor what Python cleans up."""
    gc.disable()
    try:
        start = time.thread_time()
        parse(text)
        return time.thread_time() - start
    finally:
        gc.enable()


def grows_too_fast(parse: Callable[[str], object], write: Writer, characters: int = CHARACTERS) -> bool:
    """Whether a text four times as long takes far more than four times as long, each time that one looks."""
    long, short = write(characters), write(characters // 4)
    return all(
        (taken := seconds(parse, long)) > NOTHING_S and taken > MOST_GROWTH * seconds(parse, short)
        for _ in range(LOOKS)
    )


def slow_parsers(write: Writer) -> list[str]:
    return [name for name, parse in PARSERS.items() if grows_too_fast(parse, write)]


def repeat(piece: str) -> Writer:
    """Texts of a piece over and over, by their length."""
    return lambda characters: piece * (characters // max(len(piece), 1))


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_repeated_keeps_no_parser_busy(piece: str) -> None:
    assert slow_parsers(repeat(piece)) == []


@pytest.mark.parametrize(
    ("first", "then"), [("(", ")"), ("[", "]"), ("[a|", "]"), ("[", ":b:1]"), ("<", ">")]
)
def test_deep_brackets_that_close_keep_no_parser_busy(first: str, then: str) -> None:
    def write(characters: int) -> str:
        depth = characters // len(first + then)
        return first * depth + then * depth

    assert slow_parsers(write) == []


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), min_size=1, max_size=8).map("".join))
def test_any_shape_repeated_keeps_no_parser_busy(shape: str) -> None:
    assert slow_parsers(repeat(shape)) == []


@pytest.mark.parametrize("piece", ["[a|", "\n", "qzx"])
def test_a_million_characters_are_parsed(piece: str) -> None:
    assert not grows_too_fast(lambda text: chunk_text(text, CHUNKING), repeat(piece), LONGEST)
    assert not grows_too_fast(lambda text: prompt_schedule(text, 20), repeat(piece), LONGEST)


def test_the_counter_of_a_long_alternation_answers() -> None:
    assert not grows_too_fast(lambda text: token_count(text, TIMELINE, CHUNKING), repeat("[a|b]"))


def look_back(text: str) -> int:
    """As a parser that searches the rest of the text at each bracket."""
    return sum(text.count("[", at) for at in range(0, len(text), 8))


def test_a_parser_that_takes_the_square_of_the_length_is_found() -> None:
    assert grows_too_fast(look_back, repeat("["), 240_000)
    assert not grows_too_fast(len, repeat("["), 120_000)


def test_a_style_that_doubles_the_prompt_is_refused_before_the_memory_is_full() -> None:
    styles = Styles((Style("double", "{prompt} {prompt}"),))
    with pytest.raises(InvalidRequest, match="styles"):
        styles.apply("a cat", ["double"] * 60)
