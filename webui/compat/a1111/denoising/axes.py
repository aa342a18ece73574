"""Axes that extensions put into A1111's X/Y/Z plot, as axes of this program's.

A cell's request carries what is to be applied to `p`, in `extras["a1111"]["axes"]`: the label, the value and
all values of each such axis, packed as arguments of scripts are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from webui.compat.a1111.denoising.replaced import watched
from webui.compat.a1111.page.arguments import pack_value, unpack_value
from webui.core.errors import InvalidRequest
from webui.core.request import GenerationRequest
from webui.plugins.axes import AddedAxis, AxisKind

# In the request's extras, and within.
KEY, AXES = "a1111", "axes"


def list_added_axes(tab: str) -> list[AddedAxis]:
    """What extensions added to `axis_options`, for a tab."""
    grid = import_module("scripts.xyz_grid")
    return [
        added_axis(option)
        for option in list(grid.axis_options)
        if option not in grid.own_axis_options and fits_tab(option, tab)
    ]


def fits_tab(option: Any, tab: str) -> bool:  # noqa: ANN401 - A1111's AxisOption
    """Whether an axis is of a tab, or of both."""
    only = getattr(option, "is_img2img", None)
    return only is None or only == (tab == "img2img")


def added_axis(option: Any) -> AddedAxis:  # noqa: ANN401 - A1111's AxisOption
    """An axis of A1111's shape."""

    def change(request: GenerationRequest, value: Any, values: Sequence[Any]) -> GenerationRequest:  # noqa: ANN401 - as read
        check_values(option, values)
        packed = [pack_value(each) for each in values]
        return with_axis(request, {"label": option.label, "value": pack_value(value), "values": packed})

    def show(value: Any) -> str:  # noqa: ANN401 - as read
        found: list[Any] = []
        with watched(option.apply, "axis"):
            found.append(option.format_value(None, option, converted(option, value)))
        return str(found[0]) if found else f"{option.label}: {value}"

    # Any: whatever an extension put there.
    choices: Any = option.choices if callable(option.choices) else None
    return AddedAxis(
        str(option.label),
        change,
        kind_of(option),
        show,
        float(option.cost or 0.0),
        None if choices is None else lambda: list_choices(option, choices),
        splitting(option) if callable(getattr(option, "prepare", None)) else None,
    )


def splitting(option: Any) -> Callable[[str], Sequence[Any]]:  # noqa: ANN401 - A1111's AxisOption
    """How an axis of its own way of writing reads what was typed; none where the extension fails.

    Its values may be of any kind, such as a name with a number; numbers are read from texts.
    """

    def split(text: str) -> Sequence[Any]:
        found: list[Any] = []
        with watched(option.apply, "axis"):
            try:
                found += option.prepare(text)
            except (AssertionError, RuntimeError, ValueError) as error:
                raise InvalidRequest(str(error) or f"{text!r} is not understood.") from error
        return found if kind_of(option) == "text" else [str(each) for each in found]

    return split


def kind_of(option: Any) -> AxisKind:  # noqa: ANN401 - A1111's AxisOption
    """How its values are read."""
    if option.type in (int, float):
        return "whole" if option.type is int else "number"
    return "order" if getattr(option.type, "__name__", "") == "str_permutations" else "text"


def list_choices(option: Any, choices: Callable[[], Sequence[Any]]) -> list[str]:  # noqa: ANN401 - A1111's
    """Its values; none where the extension fails to tell them."""
    found: list[str] = []
    with watched(option.apply, "axis"):
        found += [str(each) for each in choices()]
    return found


def converted(option: Any, value: Any) -> Any:  # noqa: ANN401 - A1111's AxisOption, a value of any type
    """A value as the axis's own type reads it."""
    return tuple(value) if kind_of(option) == "order" else option.type(value)


def check_values(option: Any, values: Sequence[Any]) -> None:  # noqa: ANN401 - as above
    """Raise InvalidRequest for values that the axis cannot read, or refuses."""
    try:
        read = [converted(option, value) for value in values]
        if option.confirm:
            option.confirm(None, read)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise InvalidRequest(f"{option.label}: {error}") from error
    except (AttributeError, TypeError):
        # It asks `p`, which is there when the picture is made.
        return


def with_axis(request: GenerationRequest, entry: dict[str, Any]) -> GenerationRequest:
    """The request with one more axis to be applied."""
    own = request.extras.get(KEY)
    values = dict(cast("Mapping[str, Any]", own)) if isinstance(own, Mapping) else {}
    values[AXES] = [*values.get(AXES, ()), entry]
    return request.model_copy(update={"extras": request.extras | {KEY: values}})


def apply_axes(p: Any, request: GenerationRequest) -> None:  # noqa: ANN401 - A1111's processing object
    """Apply to a new `p` what its request carries. Raises InvalidRequest for an axis that is gone."""
    own = request.extras.get(KEY)
    entries: Sequence[Any] = own.get(AXES, ()) if isinstance(own, Mapping) else ()  # pyright: ignore[reportAssignmentType] - JSON
    if not entries:
        return
    options = {each.label: each for each in import_module("scripts.xyz_grid").axis_options}
    for entry in entries:
        option = options.get(str(entry["label"]))
        if option is None:
            raise InvalidRequest(
                f"There is no axis {entry['label']!r} any more. Its extension is off: choose another axis."
            )
        values = [converted(option, unpack_value(value)) for value in entry["values"]]
        with watched(option.apply, f"axis {option.label}"):
            if option.confirm:
                option.confirm(p, values)
            option.apply(p, converted(option, unpack_value(entry["value"])), values)
