"""A1111's modules, as extensions see them now: they may have put functions of their own into them."""

from importlib import import_module
from types import ModuleType
from typing import Any


def site(name: str) -> ModuleType:
    """The module `modules.<name>`."""
    # By its name alone: it is no part of `webui`.
    return import_module(f"modules.{name}")


def site_function(module: str, name: str, own: Any) -> Any:  # noqa: ANN401 - a function of whoever replaced it
    """A function of A1111's as it is there now; `own` where the module does not have it."""
    try:
        return getattr(site(module), name, own)
    except ModuleNotFoundError:
        return own
