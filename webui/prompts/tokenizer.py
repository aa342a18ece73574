"""CLIP's byte-pair encoding: text to token ids.

NOTICE: `clip_vocabulary.txt.gz` beside this file is `bpe_simple_vocab_16e6.txt.gz` of OpenAI's CLIP
(Copyright (c) 2021 OpenAI, MIT licence), as carried by open_clip (MIT licence).

Radford et al. 2021 (CLIP); Sennrich et al. 2016 (byte-pair encoding).
"""

import gzip
import heapq
import html
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
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
_EMPTY_LINES = regex.compile(r"\n{2,}")
# Longer ones are no words; remembering them would fill the memory.
_LONGEST_REMEMBERED = 64


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
        self._remembered_word = lru_cache(_WORDS_REMEMBERED)(self._encode_word)
        self.comma_id = self._ids["," + _WORD_END]

    def encode(self, text: str) -> list[int]:
        """Token ids of a text's words, after mending its Unicode, joining white space and lowering case."""
        ids: list[int] = []
        for word in self._word.findall(self.clean(text)):
            is_word = len(word) <= _LONGEST_REMEMBERED
            ids.extend(self._remembered_word(word) if is_word else self._encode_word(word))
        return ids

    @property
    def vocabulary(self) -> dict[str, int]:
        """All words and marks with their ids; a word that ends one has "</w>" behind it."""
        return self._ids | self._marks

    @property
    def byte_letters(self) -> dict[int, str]:
        """The letter by which each byte stands in the vocabulary."""
        return dict(self._byte_letters)

    def clean(self, text: str) -> str:
        """A text as it is encoded: Unicode mended, white space joined, in lower case."""
        # Lines are mended one by one, empty ones for nothing and slowly.
        text = ftfy.fix_text(_EMPTY_LINES.sub("\n", text))
        if self.style == "open_clip":
            # Twice, because pages quoted on pages carry "&amp;amp;".
            text = html.unescape(html.unescape(text))
        return " ".join(text.split()).lower()

    def _encode_word(self, word: str) -> tuple[int, ...]:
        if word in self._marks:
            return (self._marks[word],)
        pieces = [self._byte_letters[byte] for byte in word.encode(errors="replace")]
        pieces[-1] += _WORD_END
        return tuple(self._ids[piece] for piece in _Merging(pieces, self._ranks).finish())


@cache
def clip_tokenizer(style: VocabularyStyle = "transformers") -> ClipTokenizer:
    """The one tokenizer of a style, made at the first call."""
    return ClipTokenizer(style)


class _Merging:
    """Joins neighbouring pieces of a word, the pair of lowest rank first and all its places at once.

    The places of each rank are kept apart, so that a word takes little more than linear time.
    """

    def __init__(self, pieces: list[str], ranks: Mapping[str, int]) -> None:
        """`ranks` are those of pairs, written with a space between; smaller ones are joined first."""
        self._ranks = ranks
        # A piece that was joined to the one before is None.
        self._pieces: list[str | None] = [*pieces]
        self._next = list(range(1, len(pieces) + 1))
        self._previous = list(range(-1, len(pieces) - 1))
        self._places: dict[int, list[int]] = {}
        self._waiting: list[int] = []
        for place in range(len(pieces) - 1):
            self._note(place)

    def finish(self) -> list[str]:
        """The pieces that are left when no two neighbours have a rank."""
        while self._waiting:
            rank = heapq.heappop(self._waiting)
            for place in sorted(self._places.pop(rank)):
                if self._rank_at(place) == rank:
                    self._join(place)
        return [piece for piece in self._pieces if piece is not None]

    def _rank_at(self, place: int) -> int | None:
        """The rank of the pair that begins at a place, as it is by now."""
        left, after = self._pieces[place], self._next[place]
        if left is None or after >= len(self._pieces):
            return None
        return self._ranks.get(f"{left} {self._pieces[after]}")

    def _note(self, place: int) -> None:
        rank = self._rank_at(place)
        if rank is None:
            return
        if rank not in self._places:
            self._places[rank] = []
            heapq.heappush(self._waiting, rank)
        self._places[rank].append(place)

    def _join(self, place: int) -> None:
        after = self._next[place]
        self._pieces[place] = f"{self._pieces[place]}{self._pieces[after]}"
        self._pieces[after] = None
        self._next[place] = self._next[after]
        if self._next[place] < len(self._pieces):
            self._previous[self._next[place]] = place
        if self._previous[place] >= 0:
            self._note(self._previous[place])
        self._note(place)


def _byte_letters() -> dict[int, str]:
    """A printable letter for each byte, in the vocabulary's order: printable Latin-1 first, then the rest."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
