"""Prompts that change while sampling: `[from:to:when]`, `[to:when]`, `[from::when]` and `[a|b]`.

The grammar is A1111 1.10.1's. Brackets that make no whole construct are text, and so is the whole prompt if a
`|` stands outside of `[a|b]` or a backslash ends a line. Where stray brackets leave A1111 two readings, it
takes one by chance; here what can be a construct is one. Reading and writing take linear time and no
recursion, however deep the brackets nest.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(r"(?P<text>(?:[^\\\[\]():|]|\\.)+)|(?P<mark>[\[\]():|])")
_WHEN = re.compile(r"\s*(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
_OPENER = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class ScheduledText:
    """A text and the last step it holds for: in force while `step <= end_at_step`, steps counted from 0."""

    end_at_step: int
    text: str


def prompt_schedule(
    prompt: str, steps: int, hires_steps: int | None = None, *, old_timelines: bool = False
) -> tuple[ScheduledText, ...]:
    """The texts of one AND part in order of time; the last ends at the last step.

    Args:
        prompt: One part, after AND was split off.
        steps: Steps of the first pass.
        hires_steps: Steps of the second pass, when the schedule is for that pass: whole numbers then count on
            from the first pass and fractions from 1.0.
        old_timelines: As before A1111 1.6: numbers below 1 are fractions, both passes alike.
    """
    is_first = hires_steps is None or old_timelines
    timeline = _Timeline(
        steps=steps if hires_steps is None or old_timelines else hires_steps,
        passed_steps=0 if is_first else steps,
        passed_fraction=0.0 if is_first else 1.0,
        old=old_timelines,
    )
    items = _read(prompt)
    if items is None:
        return (ScheduledText(timeline.steps, prompt),)
    ends = _ends(items, timeline)
    return tuple(ScheduledText(end, _write(items, end, timeline)) for end in ends)


@dataclass(frozen=True, slots=True)
class _Timeline:
    steps: int
    passed_steps: int
    passed_fraction: float
    old: bool

    def step_of(self, when: str) -> int:
        """The last step before the change, at most `steps`; below 1 means already changed."""
        value = float(when)
        if self.old:
            value = value * self.steps if value < 1 else value
        elif "." in when:
            value = (value - self.passed_fraction) * self.steps
        else:
            value -= self.passed_steps
        if math.isinf(value):
            return self.steps if value > 0 else 0
        return min(self.steps, int(value))


@dataclass(frozen=True, slots=True)
class _TimedChange:
    before: "_Items"
    after: "_Items"
    when: str


@dataclass(frozen=True, slots=True)
class _Alternation:
    choices: "tuple[_Items, ...]"


_Items = tuple[str | _TimedChange | _Alternation, ...]


@dataclass(slots=True)
class _OpenBracket:
    """An opened bracket: where it and the marks that divide it stand in the list of items."""

    opener: str
    start: int
    separators: list[int]


class _Reader:
    """Collects items; a bracket that closes as a change or an alternation is folded into one item.

    Everything else stays text where it is. When a bracket turns out to be mere text, so are all around it,
    since a construct holds no stray bracket: they are forgotten at once.
    """

    def __init__(self) -> None:
        self.items: list[str | _TimedChange | _Alternation] = []
        self.open: list[_OpenBracket] = []
        self.is_plain = False

    def read(self, mark: str) -> None:
        if mark in "([":
            self.open.append(_OpenBracket(mark, len(self.items), []))
            self.items.append(mark)
        elif mark in ":|":
            self._separate(mark)
        else:
            self._close(mark)

    def give_up(self) -> None:
        """Take all open brackets for text; a `|` in one of them leaves the prompt without a reading."""
        self.is_plain |= any(self.items[at] == "|" for bracket in self.open for at in bracket.separators)
        self.open.clear()

    def _separate(self, mark: str) -> None:
        if self.open:
            self.open[-1].separators.append(len(self.items))
        else:
            self.is_plain |= mark == "|"
        self.items.append(mark)

    def _close(self, mark: str) -> None:
        if not self.open or self.open[-1].opener != _OPENER[mark]:
            self.give_up()
            self.items.append(mark)
            return
        bracket = self.open[-1]
        marks = {self.items[at] for at in bracket.separators}
        if not marks or (mark == ")" and marks == {":"} and len(bracket.separators) == 1):
            # Emphasis: left as it is for the attention syntax.
            self.open.pop()
            self.items.append(mark)
        elif mark == "]" and (construct := self._construct(bracket, marks)) is not None:
            self.open.pop()
            self.items[bracket.start :] = [construct]
        else:
            self.give_up()
            self.items.append(mark)

    def _construct(
        self, bracket: _OpenBracket, marks: Iterable[object]
    ) -> _TimedChange | _Alternation | None:
        bounds = [bracket.start, *bracket.separators, len(self.items)]
        parts = [tuple(self.items[a + 1 : b]) for a, b in pairwise(bounds)]
        if marks == {"|"}:
            return _Alternation(tuple(parts))
        if marks != {":"} or len(parts) > 3 or len(parts[-1]) != 1:
            return None
        last = parts[-1][0]
        when = _WHEN.fullmatch(last) if isinstance(last, str) else None
        return _TimedChange(parts[0] if len(parts) == 3 else (), parts[-2], when["number"]) if when else None


def _read(prompt: str) -> _Items | None:
    """The prompt's items, or None if it has no reading and is plain text."""
    reader = _Reader()
    end = 0
    for token in _TOKEN.finditer(prompt):
        if token.start() != end:
            return None
        end = token.end()
        if token["mark"]:
            reader.read(token["mark"])
        else:
            reader.items.append(token["text"])
    reader.give_up()
    return None if reader.is_plain or end != len(prompt) else tuple(reader.items)


def _ends(items: _Items, timeline: _Timeline) -> list[int]:
    """The steps at which a text ends, rising."""
    ends = {timeline.steps}
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if isinstance(item, _TimedChange):
            step = timeline.step_of(item.when)
            if step >= 1:
                ends.add(step)
            waiting += item.before
            waiting += item.after
        elif isinstance(item, _Alternation):
            ends.update(range(1, timeline.steps + 1))
            for choice in item.choices:
                waiting += choice
    return sorted(ends)


def _write(items: _Items, step: int, timeline: _Timeline) -> str:
    """The text in force at a step, steps counted from 1."""
    text: list[str] = []
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            text.append(item)
        elif isinstance(item, _TimedChange):
            waiting += reversed(item.before if step <= timeline.step_of(item.when) else item.after)
        else:
            waiting += reversed(item.choices[(step - 1) % len(item.choices)])
    return "".join(text)
