"""Attention in a prompt: `(more) (this much:1.3) [less]`, escapes, and BREAK.

Stands in core because infotext, too, must know whether a prompt uses it. Results are those of A1111 1.10.1,
quirks included, but for weights that are not numbers: `(a:1.2.3)` is an error there; here it is text, with a
warning.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

ROUND_BRACKET_FACTOR = 1.1
SQUARE_BRACKET_FACTOR = 1 / 1.1

BREAK = "BREAK"
# Tells the mark BREAK from the word: brackets around it change the weight, and then it is a word.
BREAK_WEIGHT = -1.0

_MARK = re.compile(
    r"""
      \\[()\[\]\\]?             # an escaped bracket or backslash; a backslash before anything else vanishes
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)
    | [()\[\]:]
    | [^\\()\[\]:]+
    """,
    re.VERBOSE,
)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A run of text and the attention it gets; 1.0 is none."""

    text: str
    weight: float

    @property
    def is_break(self) -> bool:
        """Whether this is the mark that ends a chunk of 75 tokens early."""
        return self.text == BREAK and self.weight == BREAK_WEIGHT


@dataclass(frozen=True, slots=True)
class Attention:
    """A prompt's runs in order, and what the artist should hear about it."""

    runs: tuple[WeightedText, ...]
    warnings: tuple[str, ...] = ()


def parse_attention(text: str) -> Attention:
    """Split at `(more) (a:1.3) [less]` and BREAK into runs; neighbours of equal weight are one run.

    Never empty: a text of brackets alone is one empty run.
    """
    reader = _AttentionReader()
    for mark in _MARK.finditer(text):
        reader.read(mark.group(), mark["weight"])
    return Attention(reader.finish(), tuple(reader.warnings))


class _AttentionReader:
    """Reads marks left to right, weighing what stands between brackets when they close."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.weights: list[float] = []
        self.warnings: list[str] = []
        # Where each bracket still open begins. The two kinds do not see each other: `([)]` closes both.
        self.round: list[int] = []
        self.square: list[int] = []

    def read(self, mark: str, weight: str | None) -> None:
        if mark.startswith("\\"):
            self._add(mark[1:])
        elif mark == "(":
            self.round.append(len(self.texts))
        elif mark == "[":
            self.square.append(len(self.texts))
        elif weight is not None and self.round:
            self._close_with_weight(mark, weight)
        elif mark == ")" and self.round:
            self._weigh(self.round.pop(), ROUND_BRACKET_FACTOR)
        elif mark == "]" and self.square:
            self._weigh(self.square.pop(), SQUARE_BRACKET_FACTOR)
        else:
            self._add_with_breaks(mark)

    def finish(self) -> tuple[WeightedText, ...]:
        for start in self.round:
            self._weigh(start, ROUND_BRACKET_FACTOR)
        for start in self.square:
            self._weigh(start, SQUARE_BRACKET_FACTOR)
        return self._joined() or (WeightedText("", 1.0),)

    def _close_with_weight(self, mark: str, weight: str) -> None:
        try:
            factor = float(weight)
        except ValueError:
            self.warnings.append(
                f"The weight {weight} in the prompt is no number, so it was read as text. Write it like 1.2."
            )
            self._add(mark[:-1])
            factor = ROUND_BRACKET_FACTOR
        self._weigh(self.round.pop(), factor)

    def _weigh(self, start: int, factor: float) -> None:
        self.weights[start:] = [weight * factor for weight in self.weights[start:]]

    def _add(self, text: str, weight: float = 1.0) -> None:
        self.texts.append(text)
        self.weights.append(weight)

    def _add_with_breaks(self, text: str) -> None:
        for index, part in enumerate(_BREAK.split(text)):
            if index > 0:
                self._add(BREAK, BREAK_WEIGHT)
            self._add(part)

    def _joined(self) -> tuple[WeightedText, ...]:
        if not self.texts:
            return ()
        starts = [0, *(at for at, (left, right) in enumerate(pairwise(self.weights), 1) if left != right)]
        ends = [*starts[1:], len(self.texts)]
        return tuple(
            WeightedText("".join(self.texts[start:end]), self.weights[start])
            for start, end in zip(starts, ends, strict=True)
        )
