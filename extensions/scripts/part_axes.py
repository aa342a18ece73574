"""Axes of the X/Y/Z plot for the values of extensions' parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, get_args

from extensions.scripts.axis import Axis
from extensions.scripts.changes import YES_WORDS
from extensions.scripts.choices import BOTH_WAYS, words
from webui.plugins import InvalidRequest

if TYPE_CHECKING:
    from extensions.scripts.values import Kind
    from webui.plugins import GenerationRequest, RequestPart


def list_part_axes(tab: str, parts: Mapping[str, type[RequestPart]]) -> list[Axis]:
    """An axis for each plain value of extensions' parts, and of the first of their units."""
    found: list[Axis] = []
    for own in parts.values():
        if own.is_script or tab not in own.tabs:
            continue
        for name, info in own.model_fields.items():
            unit = unit_of(info.annotation)
            if unit is None:
                found += part_axis(own, (name,), info)
            else:
                for inner, inner_info in unit.model_fields.items():
                    found += part_axis(own, (name, inner), inner_info)
    return found


def unit_of(annotation: Any) -> Any:  # noqa: ANN401 - a pydantic model, or None
    """The model of which a field holds several."""
    inner = next(iter(get_args(annotation)), None)
    return inner if isinstance(inner, type) and hasattr(inner, "model_fields") else None


def part_axis(own: Any, path: tuple[str, ...], info: Any) -> list[Axis]:  # noqa: ANN401 - a part, a FieldInfo
    """The axis of one value, or none where it is not plain: a number, a text, a choice, on or off."""
    annotation, options = info.annotation, ()
    if annotation not in (int, float, bool, str):
        options = tuple(str(each) for each in get_args(annotation))
        if set(get_args(annotation)) == {int, float}:
            options = ()
        elif not options or not all(isinstance(each, str) for each in get_args(annotation)):
            return []
    kind: Kind = "text" if options or annotation in (bool, str) else "number"
    if annotation is int:
        kind = "whole"
    chosen = BOTH_WAYS if annotation is bool else words(*options) if options else None
    title = info.title or path[-1].replace("_", " ")

    def set_value(request: GenerationRequest, value: object, values: Sequence[Any]) -> GenerationRequest:
        given = str(value).strip().lower() in YES_WORDS if annotation is bool else value
        return put_value(own, path, request, given)

    return [Axis(f"{own.title}: {title}", kind, set_value, choices=chosen)]


def put_value(
    own: Any,  # noqa: ANN401 - a class of parts
    path: tuple[str, ...],
    request: GenerationRequest,
    value: object,
) -> GenerationRequest:
    """The request whose part has another value. Raises InvalidRequest where the part is not used."""
    values = dict(cast("dict[str, Any]", request.extras.get(own.key) or {}))
    if len(path) == 1:
        values[path[0]] = value
    else:
        units = [dict(unit) for unit in values.get(path[0]) or ()]
        if not units:
            raise InvalidRequest(f"{own.title} has no unit. Switch one on, or choose another axis.")
        units[0][path[1]] = value
        values[path[0]] = units
    return own.read(values).put_into(request)
