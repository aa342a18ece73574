"""Axes that extensions add to the X/Y/Z plot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from webui.core.request import GenerationRequest

AxisKind = Literal["text", "whole", "number", "order"]


@dataclass(frozen=True, slots=True)
class AddedAxis:
    """An axis: `label` in the lists, `kind` is how its values are read.

    `change` puts a value into a request; it is given all values of the axis too, and raises InvalidRequest
    for what is none. It is tried with every value before anything is made. `show` is what stands beside
    the pictures of a value, if not the label and the value. `choices` are the values that there are. Axes of
    higher `cost`, from 0 to 1, change more seldom. `split` makes the values of what was typed, where they are
    not parted by commas: texts, or for an axis of texts what it likes.
    """

    label: str
    # Any: a text, a number or several texts, as the kind says.
    change: Callable[[GenerationRequest, Any, Sequence[Any]], GenerationRequest]
    kind: AxisKind = "text"
    show: Callable[[Any], str] | None = None
    cost: float = 0.0
    choices: Callable[[], Sequence[str]] | None = None
    split: Callable[[str], Sequence[Any]] | None = None
