"""Components of an extension's own among the fields of a tab."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

# Values of the components in their order, and Gradio's request -> values by key for `request.extras`.
ReadControls = Callable[[Sequence[Any], Any], Mapping[str, JsonValue]]
# Fields of an infotext -> updates by component.
FillControls = Callable[[Mapping[str, str]], Mapping[Any, Any]]


def fill_nothing(fields: Mapping[str, str]) -> Mapping[Any, Any]:
    """Where an infotext says nothing of the components."""
    return {}


@dataclass(frozen=True, slots=True)
class GenerationControls:
    """Gradio components that Generate sends along, raw, and how they are read and filled.

    `read` raises WebuiError for values that cannot be used; the artist sees its sentence.
    """

    components: Sequence[Any]
    read: ReadControls
    fill: FillControls = fill_nothing
