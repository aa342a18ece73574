"""Axes of the X/Y/Z plot that other extensions add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from extensions.scripts.axis import Axis, show_with_label
from extensions.scripts.values import split_values

if TYPE_CHECKING:
    from extensions.scripts.values import Value
    from webui.plugins import AddedAxis


def list_added_axes(tab: str, plugins: Any, known: Iterable[str]) -> list[Axis]:  # noqa: ANN401 - all extensions
    """Those of a tab, but for labels that are known already."""
    taken = {label.lower() for label in known}
    found: list[Axis] = []
    for added in plugins.call("plot_axes", tab=tab):
        for each in added:
            if each.label.lower() not in taken:
                taken.add(each.label.lower())
                found.append(as_axis(each))
    return found


def as_axis(added: AddedAxis) -> Axis:
    """An added axis as those of this program."""
    show, choices = added.show, added.choices

    def describe(axis: Axis, value: Value) -> str:
        return show_with_label(axis, value) if show is None else show(value)

    def list_choices(offered: object) -> Sequence[str]:
        return () if choices is None else choices()

    return Axis(
        added.label,
        added.kind,
        added.change,
        describe,
        added.cost,
        None if choices is None else list_choices,
        split=added.split or split_values,
    )
