"""Which classes are Gradio's own, and which code builds the host's own page."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any, cast

from gradio.blocks import Block
from gradio.layouts import Form


def is_native(cls: type) -> bool:
    """Whether Gradio defines this class."""
    return cls.__module__.partition(".")[0] == "gradio"


def native_class(cls: type) -> Any:
    """The nearest ancestor that Gradio defines; the class itself if Gradio does."""
    return next(each for each in cls.__mro__ if is_native(each))


def native_classes() -> set[Any]:
    """All of Gradio's classes of components and layouts, but for Form, which Gradio makes by itself."""
    return {cls for cls in below(Block) if is_native(cls) and cls is not Form}


def below(cls: type) -> set[Any]:
    """All classes that are derived from a class, or from one of those."""
    found: set[Any] = set()
    waiting = [cls]
    while waiting:
        new = set(waiting.pop().__subclasses__()) - found
        found |= new
        waiting.extend(new)
    return found


@cache
def names_of(native: Any) -> tuple[str, ...]:
    """The names of the arguments of a class of Gradio's, in order."""
    parameters = inspect.signature(native.__init__).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(each.name for each in parameters if each.kind not in kinds)[1:]


def frontend_name(cls: type) -> str:
    """The name by which the browser knows components of this class."""
    native = native_class(cls)
    return (native.__base__ if hasattr(native, "is_template") else native).__name__.lower()


def is_host_module(name: str) -> bool:
    """Whether a module builds the host's own page. The host of extensions builds for extensions."""
    return name.partition(".")[0] == "webui" and not name.startswith("webui.compat.")


def is_host_function(function: Callable[..., object] | None) -> bool:
    """Whether a function of an event belongs to the host's own page."""
    while isinstance(function, partial):
        function = cast("partial[object]", function).func
    function = inspect.unwrap(function) if function is not None else None
    module = getattr(function, "__module__", None) or type(function).__module__
    return is_host_module(str(module))
