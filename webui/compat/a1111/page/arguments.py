"""Values of scripts' components as JSON, so that they travel in `request.extras["a1111"]`, and back.

`extras["a1111"]` is {"scripts": {title in small letters: [arguments]}, "selected": title of the script that
makes the run, or ""}. Scripts that are not named there have what their components hold when the page opens.
JSON stands as it is; a picture is kept in the inputs, so that a replay has it; anything else stays in memory.
"""

import base64
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import numpy as np
from PIL import Image
from pydantic import JsonValue

from webui.compat.a1111.host import current
from webui.core.errors import InvalidRequest

KEY = "a1111"
SCRIPTS, SELECTED = "scripts", "selected"
LIVE, PICTURE, TUPLE, ARRAY, OBJECT = (
    f"{KEY}_{name}" for name in ("live", "picture", "tuple", "array", "object")
)
MARKS = frozenset({LIVE, PICTURE, TUPLE, ARRAY, OBJECT})
# Deeper is no value of a component.
MOST_DEPTH = 50
# Larger arrays stay in memory.
MOST_ARRAY_BYTES = 4_000_000


def pack(args: Iterable[Any]) -> list[JsonValue]:
    """Arguments as JSON."""
    return [pack_value(each) for each in args]


def unpack(value: JsonValue) -> list[Any]:
    """The arguments that `pack` was given: equal ones, pictures opened anew. Raises WebuiError."""
    if not isinstance(value, list):
        raise InvalidRequest(f"Arguments of a script are a list, not {str(value)[:60]!r}.")
    return [unpack_value(each) for each in value]


def pack_value(value: Any, depth: int = 0) -> JsonValue:  # noqa: ANN401 - whatever a component holds
    """One value as JSON."""
    if isinstance(value, bool | int | str) or value is None:
        # Subclasses, such as enumerations, are more than their value.
        return value if type(value) in (bool, int, str, type(None)) else pack_live(value)
    if isinstance(value, np.generic):
        return pack_value(value.item(), depth)
    if type(value) is float:
        return value if np.isfinite(value) else pack_live(value)
    if depth >= MOST_DEPTH:
        return pack_live(value)
    packer = next((pack for kind, pack in PACKERS.items() if isinstance(value, kind)), None)
    return packer(value, depth + 1) if packer is not None else pack_live(value)


def pack_live(value: Any) -> JsonValue:  # noqa: ANN401 - as above
    """A token for what is no JSON."""
    return {LIVE: current().live_values.add(value)}


def pack_list(value: list[Any], depth: int) -> JsonValue:
    """A list; one of an odd kind stays in memory."""
    return [pack_value(each, depth) for each in value] if type(value) is list else pack_live(value)


def pack_tuple(value: tuple[Any, ...], depth: int) -> JsonValue:
    """A tuple; one with names stays in memory."""
    return {TUPLE: [pack_value(each, depth) for each in value]} if type(value) is tuple else pack_live(value)


def pack_dict(value: dict[Any, Any], depth: int) -> JsonValue:
    """An object; where its keys are no texts, or a mark of ours is among them, it is marked itself."""
    if type(value) is not dict:
        return pack_live(value)
    packed = {key: pack_value(each, depth) for key, each in value.items()}
    if all(type(key) is str for key in packed) and not MARKS & packed.keys():
        return cast("JsonValue", packed)
    return {OBJECT: [[pack_value(key, depth), each] for key, each in packed.items()]}


def pack_picture(value: Image.Image, depth: int) -> JsonValue:
    """A picture, kept in the inputs."""
    host = current()
    if host.services is None or value.mode not in ("L", "RGB", "RGBA", "1"):
        return pack_live(value)
    return {PICTURE: host.services.inputs.add_image(value), "mode": value.mode}


def pack_array(value: "np.ndarray[Any, Any]", depth: int) -> JsonValue:
    """An array of numbers."""
    if value.dtype.hasobject or value.nbytes > MOST_ARRAY_BYTES:
        return pack_live(value)
    written = io.BytesIO()
    np.save(written, value, allow_pickle=False)
    return {ARRAY: base64.b64encode(written.getvalue()).decode()}


PACKERS: dict[type, Callable[[Any, int], JsonValue]] = {
    list: pack_list,
    tuple: pack_tuple,
    dict: pack_dict,
    Image.Image: pack_picture,
    np.ndarray: pack_array,
}


def unpack_value(value: JsonValue) -> Any:  # noqa: ANN401 - as above
    """The value that `pack_value` was given. Raises WebuiError."""
    if isinstance(value, list):
        return [unpack_value(each) for each in value]
    if not isinstance(value, dict):
        return value
    mark = next((each for each in value if each in MARKS), None)
    if mark is None:
        return {key: unpack_value(each) for key, each in value.items()}
    try:
        return UNPACKERS[mark](value)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidRequest(
            f"A value of a script cannot be read ({error}). Press Generate again."
        ) from error


def open_picture(value: Mapping[str, Any]) -> Image.Image:
    """The picture of a reference."""
    image = current().ready.inputs.open(str(value[PICTURE]))
    mode = str(value.get("mode", image.mode))
    return image if image.mode == mode else image.convert(mode)


def read_array(value: Mapping[str, Any]) -> "np.ndarray[Any, Any]":
    """The array in a text."""
    return np.load(io.BytesIO(base64.b64decode(str(value[ARRAY]))), allow_pickle=False)


UNPACKERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    LIVE: lambda value: current().live_values.get(str(value[LIVE])),
    PICTURE: open_picture,
    TUPLE: lambda value: tuple(unpack(value[TUPLE])),
    ARRAY: read_array,
    OBJECT: lambda value: {unpack_value(key): unpack_value(each) for key, each in value[OBJECT]},
}
