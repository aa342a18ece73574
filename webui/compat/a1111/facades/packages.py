"""A1111's packages, whose modules are there without being imported.

Where A1111 runs, all of its modules were imported before the first extension: `import modules` alone does for
`modules.shared`. Here a module is imported when it is first asked for.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def import_parts_of(package: str) -> Callable[[str], ModuleType]:
    """The `__getattr__` of a package, by its full name."""

    def import_part(name: str) -> ModuleType:
        """Raises AttributeError where there is no such module."""
        full = f"{package}.{name}"
        if name.startswith("__") or find_spec(full) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(full)

    return import_part
