"""An axis of the X/Y/Z plot: what it changes in a request, and how its values are read and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from extensions.scripts.values import Kind, Value, split_values

if TYPE_CHECKING:
    from extensions.scripts.choices import Offered
    from webui.plugins import Context, GenerationRequest

Change = Callable[["GenerationRequest", Any, Sequence[Any]], "GenerationRequest"]


def leave(request: GenerationRequest, value: object, values: Sequence[Any]) -> GenerationRequest:
    """The request as it is."""
    return request


def show_with_label(axis: Axis, value: Value) -> str:
    """The axis and the value."""
    return f"{axis.label}: {rounded(value)}"


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis. `kind` is how its values are read, `change` puts one into a request.

    `cost` is how slow a change is: axes of higher cost change more seldom. `choices` are the names that may
    be chosen; `look_up` refuses a name that there is none of. `tab`: the only one that has it. `needs` is a
    part of the request without which the axis does nothing; `missing` says why it is not there at all.
    `split` makes the values of what was typed.
    """

    label: str
    kind: Kind = "text"
    change: Change = leave
    show: Callable[[Axis, Any], str] = show_with_label
    cost: float = 0.0
    choices: Callable[[Offered], Sequence[str]] | None = None
    look_up: Callable[[Context, str], object] | None = None
    tab: str = ""
    needs: str = ""
    missing: str = ""
    # Any: axes that extensions add have values of their own kinds.
    split: Callable[[str], Sequence[Any]] = split_values

    @property
    def is_nothing(self) -> bool:
        """The axis that is not used."""
        return self.label == "Nothing"

    @property
    def is_seed(self) -> bool:
        """Its values are seeds, where -1 stands for one by chance."""
        return self.label in ("Seed", "Var. seed")

    def describe(self, value: Value) -> str:
        """What stands beside the pictures of a value."""
        return "" if self.is_nothing else self.show(self, value)


def rounded(value: Value) -> Value:
    """A number as the legend shows it."""
    return round(value, 8) if isinstance(value, float) else value


def show_plain(axis: Axis, value: Value) -> str:
    """The value alone."""
    return str(rounded(value))


def show_file(axis: Axis, value: str) -> str:
    """A file's name without its folder."""
    return PurePath(value.replace("\\", "/")).name


def show_order(axis: Axis, value: Sequence[str]) -> str:
    """Words in their order."""
    return ", ".join(value)
