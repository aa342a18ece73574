"""The module of a file, made as A1111 makes it: under the name of its file, and in no `sys.modules`."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType


def as_failure(error: BaseException) -> BaseException:
    """What a file raised, as something that ends nothing but its import: Ctrl+C is not its to press."""
    if isinstance(error, Exception | SystemExit):
        return error
    return ImportError(f"It raised {type(error).__name__}.")


def leave_as_is(file: Path, module: ModuleType) -> None:
    """Prepare nothing."""


def module_of_file(file: Path, prepare: Callable[[Path, ModuleType], None] = leave_as_is) -> ModuleType:
    """Run a file in a module of its own, which `prepare` is given before. Raises whatever the file raises."""
    spec = importlib.util.spec_from_file_location(file.name, file)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    prepare(file, module)
    spec.loader.exec_module(module)
    return module
