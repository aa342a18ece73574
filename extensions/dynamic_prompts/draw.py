"""Templates to texts: one drawn by chance, or all that there are."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, permutations
from math import perm
from random import Random
from typing import Literal

from extensions.dynamic_prompts.grammar import (
    Access,
    Assignment,
    Node,
    Nodes,
    Variants,
    Wildcard,
    Wrap,
    is_wildcard,
    parse_template,
)
from extensions.dynamic_prompts.wildcards import Lists, Phrase
from webui.plugins import InvalidRequest

# Where the inner text goes in what is wrapped around it.
_MARK = re.compile("[\u1801\u2026\u22ee\u22ef\u22f0\u22f1\ufe19]+|\\.{3,}")
# How deep templates, lists and variables may stand in one another.
MAX_DEPTH = 60
# More than this for one text would take longer than a picture.
MAX_TRIES = 100_000
MAX_LENGTH = 100_000
Way = Literal["random", "all", "cycle"]
Make = Callable[[], Iterator[str]]


@dataclass(slots=True)
class Effort:
    """What was done for one template so far."""

    tries: int = 0

    def add(self) -> None:
        """Count a try. Raises InvalidRequest where there were too many."""
        self.tries += 1
        if self.tries > MAX_TRIES:
            raise InvalidRequest(
                "Dynamic prompts: a template has too many choices in one another to fill it in. Write it "
                "with fewer, or ask for fewer pictures."
            )


@dataclass(frozen=True, slots=True)
class Drawing:
    """Fills in templates. `way` is how it is chosen where the template does not say.

    `number` counts pictures, for what takes turns (`@`). `tell` takes sentences for the artist.
    """

    lists: Lists
    random: Random
    tell: Callable[[str], None]
    number: int = 0
    way: Way = "random"
    variables: Mapping[str, Nodes] = field(default_factory=dict[str, Nodes])
    depth: int = 0
    effort: Effort = field(default_factory=Effort)

    def draw(self, nodes: Nodes) -> str:
        """One text. Raises InvalidRequest for a template that goes round in circles."""
        here, parts = self._assign(nodes)
        return join(here._draw_one(each) for each in parts)

    def combine(self, nodes: Nodes) -> Iterator[str]:
        """All texts, one after the other. Raises InvalidRequest as `draw`."""
        here, parts = self._assign(nodes)
        is_fixed = [isinstance(each, str) or here._way_of(each) != "all" for each in parts]
        makers = [here._maker(each) for each, fixed in zip(parts, is_fixed, strict=True) if not fixed]
        for number, combination in enumerate(self._product(makers)):
            values, turn = iter(combination), replace(here, number=number)
            yield join(
                turn._draw_one(each) if fixed else next(values)
                for each, fixed in zip(parts, is_fixed, strict=True)
            )

    def _assign(self, nodes: Nodes) -> tuple["Drawing", list[Node]]:
        """The drawing that knows the variables which are set here, and the other parts."""
        here, parts = self._deeper(), list[Node]()
        for node in nodes:
            if not isinstance(node, Assignment):
                parts.append(node)
            elif not (node.keeps_old and node.name in here.variables):
                value: Nodes = (here.draw(node.value),) if node.is_immediate else node.value
                here = replace(here, variables={**here.variables, node.name: value})
        return here, parts

    def _deeper(self) -> "Drawing":
        if self.depth >= MAX_DEPTH:
            raise InvalidRequest(
                "Dynamic prompts: a wildcard or a variable stands in itself. Take it out of its own lines."
            )
        return replace(self, depth=self.depth + 1)

    def _way_of(self, node: Node) -> Way:
        own = node.method if isinstance(node, Variants | Wildcard) else ""
        # Within what is drawn by chance or in turns, nothing can be made in all ways.
        return self.way if not own or (own == "all" and self.way != "all") else own

    def _draw_one(self, node: Node) -> str:
        self.effort.add()
        if isinstance(node, str):
            return node
        here = replace(self, way="cycle" if self._way_of(node) == "cycle" else "random")
        if isinstance(node, Variants):
            return here._draw_variants(node)
        if isinstance(node, Wildcard):
            return here._draw_wildcard(node)
        if isinstance(node, Wrap):
            return wrap(self.draw(node.wrapper), self.draw(node.inner))
        assert isinstance(node, Access), "assignments are done"
        return self.draw(self._value_of(node))

    def _draw_variants(self, node: Variants) -> str:
        here, options, weights = self._options(node)
        low, high = min(node.low, len(options)), min(node.high, len(options))
        if here.way == "cycle":
            total = sum(perm(len(options), size) for size in range(low, high + 1))
            chosen = next(islice(orders(len(options), low, high), here.number % total, None))
            here = replace(here, number=here.number // total)
        else:
            size = low if low == high else here.random.randint(low, high)
            chosen = choose(weights, size, here.random)
        return join_options([here.draw(options[place]) for place in chosen], node.separator)

    def _draw_wildcard(self, node: Wildcard) -> str:
        lines = self._lines(node, self.draw(node.path))
        if not lines:
            return node.written
        here = self._given(node)
        if here.way == "cycle":
            line = lines[here.number % len(lines)]
            return replace(here, number=here.number // len(lines)).draw(parse_template(line.text))
        (place,) = choose([line.weight for line in lines], 1, here.random)
        return here.draw(parse_template(lines[place].text))

    def _maker(self, node: Node) -> Make:
        """What begins to tell all texts of a part."""
        if isinstance(node, Variants):
            return lambda: self._combine_variants(node)
        if isinstance(node, Wildcard):
            return lambda: self._combine_wildcard(node)
        if isinstance(node, Wrap):
            return lambda: (
                wrap(around, inner)
                for around in self.combine(node.wrapper)
                for inner in self.combine(node.inner)
            )
        assert isinstance(node, Access), "texts and assignments are done"
        return lambda: self.combine(self._value_of(node))

    def _combine_variants(self, node: Variants) -> Iterator[str]:
        here, options, _ = self._options(node)
        options = list(dict.fromkeys(options))
        low, high = min(node.low, len(options)), min(node.high, len(options))
        told: set[tuple[str, ...]] = set()
        for order in orders(len(options), low, high):
            makers = [here._combiner(options[place]) for place in order]
            for texts in self._product(makers):
                if len(set(texts)) == len(texts) and texts not in told:
                    told.add(texts)
                    yield join_options(texts, node.separator)

    def _combine_wildcard(self, node: Wildcard) -> Iterator[str]:
        here = self._given(node)
        for path in self.combine(node.path):
            lines = self._lines(node, path)
            if not lines:
                yield node.written
            for line in lines:
                yield from here.combine(parse_template(line.text))

    def _combiner(self, nodes: Nodes) -> Make:
        return lambda: self.combine(nodes)

    def _product(self, makers: Sequence[Make]) -> Iterator[tuple[str, ...]]:
        """One text of each, in all ways; the last changes first."""
        running, values = [iter(makers[0]())] if makers else [], list[str]()
        if not makers:
            yield ()
        while running:
            self.effort.add()
            value = next(running[-1], None)
            if value is None:
                running.pop()
                del values[-1:]
            elif len(running) == len(makers):
                yield (*values, value)
            else:
                values.append(value)
                running.append(iter(makers[len(running)]()))

    def _options(self, node: Variants) -> tuple["Drawing", Sequence[Nodes], Sequence[float]]:
        """What can be chosen from; of a wildcard that stands alone, its lines."""
        only = node.options[0][0] if is_wildcard(node.options[0]) and len(node.options) == 1 else None
        if not isinstance(only, Wildcard):
            return self, node.options, node.weights
        lines = self._lines(only, self.draw(only.path))
        if not lines:
            return self, [(only.written,)], [1.0]
        texts = [parse_template(line.text) for line in lines]
        return self._given(only), texts, [line.weight for line in lines]

    def _lines(self, node: Wildcard, path: str) -> Sequence[Phrase]:
        """The lines that a name finds; a sentence where there are none."""
        lines = self.lists.find(path)
        if not lines:
            near = self.lists.nearest(path)
            hint = f" Did you mean __{near}__?" if near else " Put its file into the folder wildcards."
            self.tell(f"There is no wildcard {node.written}, so it stands in the prompt as it is.{hint}")
        return lines

    def _given(self, node: Wildcard) -> "Drawing":
        return replace(self, variables={**self.variables, **dict(node.variables)})

    def _value_of(self, node: Access) -> Nodes:
        value = self.variables.get(node.name, node.default)
        if value is None:
            self.tell(
                f"The variable {node.written} has no value, so it stands in the prompt as it is. "
                f"Write ${{{node.name}=…}} before it, or ${{{node.name}:…}}."
            )
            return (node.written,)
        return value


def choose(weights: Sequence[float], count: int, random: Random) -> list[int]:
    """Places of `count` different options, by their weights. Where none has a weight, all are alike."""
    left, chosen = list(range(len(weights))), list[int]()
    for _ in range(count):
        own = [weights[place] for place in left]
        (place,) = random.choices(range(len(left)), weights=own if sum(own) > 0 else None)
        chosen.append(left.pop(place))
    return chosen


def orders(count: int, low: int, high: int) -> Iterator[tuple[int, ...]]:
    """Places of `low` … `high` of `count` options, in every order."""
    for size in range(low, high + 1):
        yield from permutations(range(count), size)


def join_options(texts: Sequence[str], separator: str) -> str:
    """Options as one text; an empty one at an end brings no separator there."""
    joined = separator.join(texts)
    return joined.removeprefix(separator).removesuffix(separator) if len(texts) > 1 else joined


def wrap(around: str, inner: str) -> str:
    """A text where another has its mark; after it where there is no mark."""
    mark = _MARK.search(around)
    return around[: mark.start()] + inner + around[mark.end() :] if mark else around + inner


def join(texts: Iterator[str]) -> str:
    """The texts as one. Raises InvalidRequest for one that is too long."""
    text = "".join(texts)
    if len(text) > MAX_LENGTH:
        raise InvalidRequest(
            f"Dynamic prompts: a template makes a prompt of {len(text)} characters. At most {MAX_LENGTH} are "
            "read. Look for a wildcard with very long lines."
        )
    return text
