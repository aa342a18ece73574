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
_BREAK = re.compile(r"\bBREAK\b")
# So many products are made as A1111 makes them, one for each text in each bracket around it: a tenth of a
# second, and enough for any 4,000 characters. Beyond, products are shared, which may change their last digit.
_MAX_EXACT_PRODUCTS = 4_000_000


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


@dataclass(frozen=True, slots=True)
class _WeighedBracket:
    """A closed bracket: the texts from `start` up to `end` are weighed by `factor`."""

    start: int
    end: int
    factor: float
    is_round: bool


def _products(brackets: list[_WeighedBracket], count: int) -> list[float]:
    """The product of the factors around each of `count` texts; the brackets nest."""
    opening: dict[int, list[_WeighedBracket]] = {}
    for bracket in brackets:
        opening.setdefault(bracket.start, []).append(bracket)
    products: list[float] = []
    around: list[tuple[int, float]] = [(count, 1.0)]
    for place in range(count):
        while around[-1][0] <= place:
            around.pop()
        for bracket in sorted(opening.get(place, ()), key=lambda each: each.end, reverse=True):
            if bracket.end > place:
                around.append((bracket.end, around[-1][1] * bracket.factor))
        products.append(around[-1][1])
    return products


class _AttentionReader:
    """Reads marks left to right, weighing what stands between brackets when they close."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.weights: list[float] = []
        self.warnings: list[str] = []
        # Every bracket that was closed, in the order of closing.
        self.closed: list[_WeighedBracket] = []
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
            self._close(self.round, ROUND_BRACKET_FACTOR)
        elif mark == "]" and self.square:
            self._close(self.square, SQUARE_BRACKET_FACTOR)
        else:
            self._add_with_breaks(mark)

    def finish(self) -> tuple[WeightedText, ...]:
        # Outermost first, as A1111 does.
        for opened, factor in ((self.round, ROUND_BRACKET_FACTOR), (self.square, SQUARE_BRACKET_FACTOR)):
            self.closed += (
                _WeighedBracket(start, len(self.texts), factor, opened is self.round) for start in opened
            )
        if sum(bracket.end - bracket.start for bracket in self.closed) <= _MAX_EXACT_PRODUCTS:
            self._weigh_one_by_one()
        else:
            self._weigh_with_shared_products()
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
        self._close(self.round, factor)

    def _close(self, opened: list[int], factor: float) -> None:
        self.closed.append(_WeighedBracket(opened.pop(), len(self.texts), factor, opened is self.round))

    def _weigh_one_by_one(self) -> None:
        for bracket in self.closed:
            inside = slice(bracket.start, bracket.end)
            self.weights[inside] = [weight * bracket.factor for weight in self.weights[inside]]

    def _weigh_with_shared_products(self) -> None:
        """Weigh in linear time: brackets of a kind nest, so the texts between two of them share a product."""
        for is_round in (True, False):
            factors = _products([each for each in self.closed if each.is_round is is_round], len(self.texts))
            self.weights = [weight * factor for weight, factor in zip(self.weights, factors, strict=True)]

    def _add(self, text: str, weight: float = 1.0) -> None:
        self.texts.append(text)
        self.weights.append(weight)

    def _add_with_breaks(self, text: str) -> None:
        # White space around BREAK goes; looking for it in the same pattern would take quadratic time.
        first, *others = _BREAK.split(text)
        if not others:
            self._add(text)
            return
        self._add(first.rstrip())
        for part in others[:-1]:
            self._add(BREAK, BREAK_WEIGHT)
            self._add(part.strip())
        self._add(BREAK, BREAK_WEIGHT)
        self._add(others[-1].lstrip())

    def _joined(self) -> tuple[WeightedText, ...]:
        if not self.texts:
            return ()
        starts = [0, *(at for at, (left, right) in enumerate(pairwise(self.weights), 1) if left != right)]
        ends = [*starts[1:], len(self.texts)]
        return tuple(
            WeightedText("".join(self.texts[start:end]), self.weights[start])
            for start, end in zip(starts, ends, strict=True)
        )
