"""Components of an extension's own among the fields of a tab."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

# Raw values of the components in their order, the title of the chosen script if it is one of theirs, and
# Gradio's request -> values by key for `request.extras`.
ReadControls = Callable[[Sequence[Any], str, Any], Mapping[str, JsonValue]]
# An infotext -> updates by component.
FillControls = Callable[[str], Mapping[Any, Any]]


def fill_nothing(infotext: str) -> Mapping[Any, Any]:
    """Where an infotext says nothing of the components."""
    return {}


@dataclass(frozen=True, slots=True)
class GenerationControls:
    """Gradio components that Generate sends along, raw, and how they are read and filled.

    `read` raises WebuiError for values that cannot be used; the artist sees its sentence. `names` are those
    of the components in the browser's memory: no two of one name, empty where a value is not remembered.
    `filled` are the components that `fill` may write to. `scripts` are further entries of the list "Script",
    with the id of the element that is shown while it is chosen.
    """

    components: Sequence[Any]
    read: ReadControls
    fill: FillControls = fill_nothing
    names: Sequence[str] = ()
    filled: Sequence[Any] = ()
    scripts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class SettingsControls:
    """Gradio components of further settings by key, with their labels and defaults.

    `current` gives what holds now; `keep` takes values that were changed, and raises WebuiError.
    """

    components: Mapping[str, Any]
    labels: Mapping[str, str]
    defaults: Mapping[str, Any]
    current: Callable[[], Mapping[str, Any]]
    keep: Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, eq=False)
class FurtherOptions:
    """Options of an extension's own for A1111's API: what holds now, by key.

    No API call may change those of `fixed`. `keep` takes values that were changed, and raises WebuiError.
    """

    values: Mapping[str, Any]
    keep: Callable[[Mapping[str, Any]], None]
    fixed: frozenset[str] = frozenset()
