"""Templates of prompts: what they are made of, and how they are read.

The grammar is that of `dynamicprompts`: `{a|b}`, `{2$$ and $$a|b}`, `{0.5::a|b}`, `__name__`, `${name=a}`,
`${name:a}`, `%{before ... after$$a}`, comments. What is not well written stands for itself, so that reading
never fails. It takes time in proportion to the length of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Method = Literal["", "random", "all", "cycle"]
METHODS: dict[str | None, Method] = {None: "", "~": "random", "!": "all", "@": "cycle"}
# Deeper nesting is a mistake, or made to do harm.
MAX_DEPTH = 40
LONGEST_NAME = 300
FENCE = "__"
_COMMENT = re.compile(r"#[^\n]*|/\*.*?\*/|^[ \t]*//[^\n]*", re.DOTALL | re.MULTILINE)
_METHOD = re.compile(r"\s*([~!@])?")
_BOUND = re.compile(r"\s*(?:(\d{1,6})-(\d{1,6})|(\d{1,6})-|-(\d{1,6})|(\d{1,6}))\$\$(?:([^${}\n]+)\$\$)?")
_WEIGHT = re.compile(r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})::")
_NAME = re.compile(r"\s*([A-Za-z_-][\w-]{0,99})\s*", re.ASCII)
_ASSIGN = re.compile(r"(\?)?=(!)?\s*")
# What ends the name of a wildcard where its other fence is missing.
_NO_NAME = frozenset('(){}$#,;|<>"\n')


@dataclass(frozen=True, slots=True)
class Variants:
    """One or several of the options, by their weights."""

    options: tuple["Nodes", ...]
    weights: tuple[float, ...]
    low: int = 1
    high: int = 1
    separator: str = ","
    method: Method = ""


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A line of the lists that a name or a pattern finds; `written` is how it stands in the text."""

    path: "Nodes"
    written: str
    method: Method = ""
    variables: tuple[tuple[str, "Nodes"], ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable gets a value. `is_immediate`: it is drawn once, not at each use."""

    name: str
    value: "Nodes"
    is_immediate: bool = False
    keeps_old: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """The value of a variable; `written` is how it stands in the text."""

    name: str
    written: str
    default: "Nodes | None" = None


@dataclass(frozen=True, slots=True)
class Wrap:
    """Something with something around it: the wrapper has `...` where the inner goes."""

    wrapper: "Nodes"
    inner: "Nodes"


Node = str | Variants | Wildcard | Assignment | Access | Wrap
Nodes = tuple[Node, ...]


def parse(text: str) -> Nodes:
    """The parts of a template; for a text without any grammar the text alone."""
    return _Reader(text).nodes(0, len(text)) if text else ()


def is_template(text: str) -> bool:
    """Whether there is anything in a text that is to be filled in."""
    nodes = parse(text) if "{" in text or FENCE in text else ()
    return any(not isinstance(node, str) for node in nodes)


def parse_template(text: str) -> Nodes:
    """The parts of a template without its comments. A text that is none keeps them: they may be words."""
    return parse(_COMMENT.sub("", text)) if is_template(text) else (text,)


class _Reader:
    """Reads one text. Which brace closes which is found first, so nothing is read twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing = dict(match_braces(text))

    def nodes(self, start: int, end: int, depth: int = 0) -> Nodes:
        """What stands between two places."""
        found: list[Node] = []
        position = plain = start
        while position < end:
            read = self._read(position, end, depth) if depth < MAX_DEPTH else None
            if read is None:
                position += 1
                continue
            found += [self._text[plain:position]] if plain < position else []
            node, position = read
            found.append(node)
            plain = position
        found += [self._text[plain:end]] if plain < end else []
        return tuple(found)

    def _read(self, position: int, end: int, depth: int) -> tuple[Node, int] | None:
        """What begins at a place, and where it ends; None for text."""
        sign = self._text[position]
        if sign == "_" and self._text.startswith(FENCE, position):
            return self._wildcard(position, end, depth)
        if sign in "$%" and self._text.startswith("{", position + 1):
            inner, close = position + 2, self._closing.get(position + 1)
        elif sign == "{":
            inner, close = position + 1, self._closing.get(position)
        else:
            return None
        if close is None or close >= end:
            return None
        read = {"{": self._variants, "$": self._variable, "%": self._wrap}[sign]
        node = read(inner, close, depth + 1)
        return None if node is None else (node, close + 1)

    def _variants(self, start: int, end: int, depth: int) -> Variants | None:
        """What is in braces, if there is anything to choose."""
        sign = _METHOD.match(self._text, start, end)
        assert sign is not None, "it fits everything"
        start = sign.end()
        bound = _BOUND.match(self._text, start, end)
        start = bound.end() if bound else start
        places = list(self._split(start, end, "|"))
        # Looked at before it is read: else braces in braces would be read twice each.
        if not bound and not sign[1] and len(places) == 1 and not self._is_fenced(start, end):
            return None
        pieces = [self._option(*place, depth) for place in places]
        options = tuple(nodes for nodes, _ in pieces)
        weights = tuple(weight for _, weight in pieces)
        low, high = read_bound(bound, len(options)) if bound else (1, 1)
        separator = bound[6] if bound and bound[6] else ","
        return Variants(options, weights, low, high, separator, METHODS[sign[1]])

    def _is_fenced(self, start: int, end: int) -> bool:
        """Whether there is nothing but one wildcard between two places."""
        text = self._text[start : min(end, start + LONGEST_NAME)].strip()
        inner = text[len(FENCE) : -len(FENCE)]
        return (
            bool(inner)
            and text == f"{FENCE}{inner}{FENCE}"
            and FENCE not in inner
            and start + LONGEST_NAME > end
        )

    def _option(self, start: int, end: int, depth: int) -> tuple[Nodes, float]:
        """An option and its weight."""
        while start < end and self._text[start].isspace():
            start += 1
        weight = _WEIGHT.match(self._text, start, end)
        start = weight.end() if weight else start
        return self.nodes(start, end, depth), float(weight[1]) if weight else 1.0

    def _variable(self, start: int, end: int, depth: int) -> Assignment | Access | None:
        name = _NAME.match(self._text, start, end)
        if name is None:
            return None
        assign = _ASSIGN.match(self._text, name.end(), end)
        if assign:
            value = self.nodes(assign.end(), end, depth)
            return Assignment(name[1], value, bool(assign[2]), bool(assign[1]))
        written = self._text[start - 2 : end + 1]
        if name.end() == end:
            return Access(name[1], written)
        if self._text[name.end()] != ":":
            return None
        first = name.end() + 1
        while first < end and self._text[first].isspace():
            first += 1
        return Access(name[1], written, self.nodes(first, end, depth))

    def _wrap(self, start: int, end: int, depth: int) -> Wrap | None:
        pieces = list(self._split(start, end, "$$"))
        if len(pieces) != 2:
            return None
        (first, middle), (second, last) = pieces
        while first < middle and self._text[first].isspace():
            first += 1
        while second < last and self._text[second].isspace():
            second += 1
        return Wrap(self.nodes(first, middle, depth), self.nodes(second, last, depth))

    def _wildcard(self, position: int, end: int, depth: int) -> tuple[Wildcard, int] | None:
        start = position + len(FENCE)
        close = self._find_fence(start, min(end, start + LONGEST_NAME))
        if close is None:
            return None
        sign = _METHOD.match(self._text, start, close)
        assert sign is not None, "it fits everything"
        first, opening = sign.end(), self._text.find("(", start, close)
        last = close if opening < 0 else opening
        name = self._text[first:last]
        # A fence with a space inside is a line for somebody to fill in, or two names with "__" in them.
        if name != name.strip() or not name or (opening >= 0 and self._text[close - 1] != ")"):
            return None
        variables = () if opening < 0 else tuple(self._given(opening + 1, close - 1, depth + 1))
        written = self._text[position : close + len(FENCE)]
        node = Wildcard(self.nodes(first, last, depth + 1), written, METHODS[sign[1]], variables)
        return node, close + len(FENCE)

    def _find_fence(self, start: int, end: int) -> int | None:
        """Where the name of a wildcard ends; None if it does not, or is no name."""
        position, is_inside = start, False
        while position < end:
            sign = self._text[position]
            if self._text.startswith(FENCE, position) and not is_inside:
                return position
            if sign == "{" and position in self._closing:
                position = self._closing[position]
            elif sign in "()":
                is_inside = sign == "("
            elif sign in _NO_NAME and not is_inside and not self._text.startswith("${", position):
                return None
            position += 1
        return None

    def _given(self, start: int, end: int, depth: int) -> Iterator[tuple[str, Nodes]]:
        """Values that a wildcard gets for its lines' variables: `(name=value, name=value)`."""
        for first, last in self._split(start, end, ","):
            equals = self._text.find("=", first, last)
            if equals >= 0 and (name := self._text[first:equals].strip()):
                value = self._text[equals + 1 : last]
                yield name, parse(value.strip()) if depth < MAX_DEPTH else (value,)

    def _split(self, start: int, end: int, separator: str) -> Iterator[tuple[int, int]]:
        """Places of the pieces between separators that stand in no inner braces."""
        position = first = start
        while position < end:
            if self._text.startswith(separator, position):
                yield first, position
                position = first = position + len(separator)
            else:
                position = self._closing.get(position, position) + 1
        yield first, end


def match_braces(text: str) -> Iterator[tuple[int, int]]:
    """Places of braces that belong together; those after a backslash are none."""
    open_ones: list[int] = []
    for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        if found[0] == "{":
            open_ones.append(found.start())
        elif found[0] == "}" and open_ones:
            yield open_ones.pop(), found.start()


def read_bound(bound: re.Match[str], count: int) -> tuple[int, int]:
    """How many of `count` options are taken, at least and at most."""
    low, high, at_least, at_most, exact = (
        None if bound[place] is None else int(bound[place]) for place in range(1, 6)
    )
    if exact is not None:
        return exact, exact
    low = low if low is not None else at_least
    high = high if high is not None else at_most
    bounds = (1 if low is None else low, count if high is None else high)
    return min(bounds), max(bounds)


def is_wildcard(nodes: Nodes) -> bool:
    """Whether there is nothing but a wildcard."""
    return len(nodes) == 1 and isinstance(nodes[0], Wildcard)
