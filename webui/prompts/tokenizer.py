"""CLIP's byte-pair encoding: text to token ids.

NOTICE: `clip_vocabulary.txt.gz` beside this file is `bpe_simple_vocab_16e6.txt.gz` of OpenAI's CLIP
(Copyright (c) 2021 OpenAI, MIT licence), as carried by open_clip (MIT licence).

Radford et al. 2021 (CLIP); Sennrich et al. 2016 (byte-pair encoding).
"""

import gzip
import html
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal

import ftfy
import regex

VocabularyStyle = Literal["transformers", "open_clip"]
"""Whose behaviour to follow: `transformers` for SD1 and SDXL's first encoder, `open_clip` for SD2 and SDXL's
second. They share ids, but name the marks of start and end differently, pad differently, and only `open_clip`
resolves `&amp;` where tags stand beside it."""

START_ID = 49406
END_ID = 49407

_MARKS: dict[VocabularyStyle, tuple[str, str]] = {
    "transformers": ("<|startoftext|>", "<|endoftext|>"),
    "open_clip": ("<start_of_text>", "<end_of_text>"),
}
_PAD_IDS: dict[VocabularyStyle, int] = {"transformers": END_ID, "open_clip": 0}

# The vocabulary holds the 256 bytes, the same ending a word, the merges, and the two marks: 49408 in all.
_MERGE_COUNT = 49408 - 2 * 256 - 2
_WORD_END = "</w>"
# Long prompts repeat words; artists' vocabularies are far smaller than this.
_WORDS_REMEMBERED = 16384


class ClipTokenizer:
    """Text to token ids, without marks of start and end, of any length. Get one from `clip_tokenizer`."""

    def __init__(self, style: VocabularyStyle) -> None:
        """Read the vocabulary from the package, about 0.1 s."""
        self.style: VocabularyStyle = style
        self.start_id = START_ID
        self.end_id = END_ID
        self.pad_id = _PAD_IDS[style]
        packed = files("webui.prompts").joinpath("clip_vocabulary.txt.gz").read_bytes()
        # The first line names the version of the file.
        merges = gzip.decompress(packed).decode().split("\n")[1 : _MERGE_COUNT + 1]
        self._byte_letters = _byte_letters()
        letters = list(self._byte_letters.values())
        words = [
            *letters,
            *(letter + _WORD_END for letter in letters),
            *(merge.replace(" ", "") for merge in merges),
        ]
        self._ids = {word: index for index, word in enumerate(words)}
        self._marks = dict(zip(_MARKS[style], (START_ID, END_ID), strict=True))
        self._ranks = {merge: rank for rank, merge in enumerate(merges)}
        self._word = regex.compile(
            "|".join(regex.escape(mark) for mark in self._marks)
            + r"|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+",
            regex.IGNORECASE,
        )
        self._encode_word = lru_cache(_WORDS_REMEMBERED)(self._encode_word_anew)
        self.comma_id = self._ids["," + _WORD_END]

    def encode(self, text: str) -> list[int]:
        """Token ids of a text's words, after mending its Unicode, joining white space and lowering case."""
        ids: list[int] = []
        for word in self._word.findall(self._clean(text)):
            ids.extend(self._encode_word(word))
        return ids

    def _clean(self, text: str) -> str:
        text = ftfy.fix_text(text)
        if self.style == "open_clip":
            # Twice, because pages quoted on pages carry "&amp;amp;".
            text = html.unescape(html.unescape(text))
        return " ".join(text.split()).lower()

    def _encode_word_anew(self, word: str) -> tuple[int, ...]:
        if word in self._marks:
            return (self._marks[word],)
        pieces = [self._byte_letters[byte] for byte in word.encode(errors="replace")]
        pieces[-1] += _WORD_END
        return tuple(self._ids[piece] for piece in self._merged(pieces))

    def _merged(self, pieces: list[str]) -> list[str]:
        """Join neighbours, those of lowest rank first and all of them at once, until none has a rank."""
        while len(pieces) > 1:
            pairs = [f"{left} {right}" for left, right in pairwise(pieces)]
            best = min(pairs, key=lambda pair: self._ranks.get(pair, _MERGE_COUNT))
            if best not in self._ranks:
                break
            pieces = _join(pieces, *best.split(" "))
        return pieces


@cache
def clip_tokenizer(style: VocabularyStyle = "transformers") -> ClipTokenizer:
    """The one tokenizer of a style, made at the first call."""
    return ClipTokenizer(style)


def _join(pieces: list[str], left: str, right: str) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(pieces):
        if pieces[at] == left and pieces[at + 1 : at + 2] == [right]:
            joined.append(left + right)
            at += 2
        else:
            joined.append(pieces[at])
            at += 1
    return joined


def _byte_letters() -> dict[int, str]:
    """A printable letter for each byte, in the vocabulary's order: printable Latin-1 first, then the rest."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
