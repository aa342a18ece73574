"""A1111's options and flags with their defaults, as values and as types for the OpenAPI document."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, create_model

from webui.core.a1111_flags import flag_defaults
from webui.core.settings import Settings

# The values of `Any` here are JSON.


@cache
def a1111_options() -> dict[str, Any]:
    """A1111's options and their defaults, for clients that read or set keys without a meaning here."""
    return read_data("a1111_options.json")


@cache
def a1111_flags() -> dict[str, Any]:
    """A1111's flags and their defaults; those that hold secrets have none."""
    return flag_defaults()


@cache
def script_infos() -> list[dict[str, Any]]:
    """A1111's scripts that mean something here, with their arguments."""
    return read_data("script_info.json")


def read_data(name: str) -> Any:  # noqa: ANN401 - JSON
    """A file beside this module."""
    return json.loads(files("webui.api.sdapi").joinpath(name).read_text("utf-8"))


def options_model() -> type[BaseModel]:
    """The type of all options, A1111's and ours."""
    defaults = a1111_options() | Settings().options()
    # A1111 calls all numbers of options floats.
    return model_of("Options", {key: number_as_float(value) for key, value in defaults.items()})


def flags_model() -> type[BaseModel]:
    """The type of all flags."""
    return model_of("Flags", a1111_flags())


def model_of(name: str, defaults: dict[str, Any]) -> type[BaseModel]:
    """A type with a field for each of these, any of which may be left out."""
    fields: dict[str, Any] = {key: (type_of(value), value) for key, value in defaults.items()}
    return create_model(name, __config__=ConfigDict(extra="allow", protected_namespaces=()), **fields)


def type_of(default: object) -> Any:  # noqa: ANN401 - a type
    """The type of what has this default."""
    if isinstance(default, bool | int | float):
        return type(default) | None
    if isinstance(default, list | tuple):
        return list[Any] | None
    return cast(Any, str | None)


def number_as_float(value: object) -> object:
    """A whole number with a point; anything else as it is."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
