"""A1111's modules, from the rooms that stand behind them."""

from importlib import import_module
from typing import Any


def site(name: str) -> Any:  # noqa: ANN401 - a module whose names extensions may replace
    """The module of a name below `modules`, as extensions see it now."""
    return import_module(f"modules.{name}")
