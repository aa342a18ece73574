"""Importing an extension, from its folder or an installed package, and whatever else has a time limit.

Whatever an extension does meanwhile (raise, exit, never end), the program goes on without it.
"""

import contextvars
import ctypes
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar, cast

Value = TypeVar("Value")
PACKAGE, PLUGIN = "extensions", "plugin"
# A plugin.py is a page of code; what is larger is none.
MOST_BYTES = 2_000_000
# What is ended needs a moment to leave its own "with" and "finally".
ENDING_S = 1.0
# What computes on a slow machine, or one that others use too, has more time by the clock: so often as long.
# It computes if it has had this part of a processor while it was looked at.
MOST_TIMES = 4.0
LOOK_S = 1.0
LEAST_SHARE = 0.03


class TimeIsUp(Exception):
    """It took longer than it may."""


class Raised(Exception):
    """What an extension raised, whatever it is: `SystemExit` and `KeyboardInterrupt` too."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Ended(BaseException):
    """Raised within an extension that does not end, on its thread."""


@dataclass(slots=True)
class Outcome(Generic[Value]):
    """What a function gave or raised."""

    value: Value | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


def never(thread: int) -> bool:
    """No thread is excused."""
    del thread
    return False


def run_within(
    limit_s: float,
    function: Callable[[], Value],
    folder: Path | Callable[[], Path | None] | None = None,
    is_excused: Callable[[int], bool] = never,
) -> Value:
    """What a function gives, on a thread of its own. Raises Raised, or TimeIsUp.

    The limit is of seconds by the clock for what waits; what goes on computing has four times as long. One
    that is too slow is ended, if it runs code of its `folder` (asked for then), or left behind. While its
    thread, by its ident, is excused (it waits for this program itself) no time counts.
    """
    outcome: Outcome[Value] = Outcome()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            outcome.value = context.run(function)
        except BaseException as error:  # noqa: BLE001 - an extension's edge: whatever it raises is told
            outcome.error = error
        outcome.done.set()

    thread = threading.Thread(target=run, name="extension", daemon=True)
    thread.start()
    if not ends_in_time(outcome.done, thread, limit_s, is_excused):
        if end_thread(thread, folder() if callable(folder) else folder):
            outcome.done.wait(ENDING_S)
        raise TimeIsUp
    if outcome.error is not None:
        raise Raised(outcome.error) from outcome.error
    return cast(Value, outcome.value)


def ends_in_time(
    done: threading.Event, thread: threading.Thread, limit_s: float, is_excused: Callable[[int], bool] = never
) -> bool:
    """Wait for a thread until it has had its time. False if it has not ended by then."""
    look_s = min(LOOK_S, limit_s)
    spent, computed = 0.0, 0.0
    is_computing = True
    while spent < limit_s or (is_computing and spent < MOST_TIMES * limit_s):
        if done.wait(look_s):
            return True
        now = processor_seconds(thread)
        is_computing, computed = now - computed >= LEAST_SHARE * look_s, now
        # The ident is known: the thread has been waited for.
        if not is_excused(thread.ident or 0):
            spent += look_s
    return False


def processor_seconds(thread: threading.Thread) -> float:
    """What a thread has computed so far, in hundredths of a second; 0 where the system does not tell."""
    try:
        text = Path(f"/proc/self/task/{thread.native_id}/stat").read_text("ascii", "replace")
        # The name before it may contain anything.
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def end_thread(thread: threading.Thread, folder: Path | None) -> bool:
    """End a thread that runs code of a folder, or what that called. True if it will end.

    One that imports a library, torch say, is left alone: it would be broken for all others.
    """
    # The documented way to another thread's frame.
    frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and folder is not None:
        file = frame.f_code.co_filename
        if Path(file).is_relative_to(folder):
            raising = ctypes.pythonapi.PyThreadState_SetAsyncExc
            return bool(raising(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Ended)))
        if "importlib._bootstrap" in file:
            return False
        frame = frame.f_back
    return False


def import_folder(folder: Path, *, fresh: bool) -> ModuleType:
    """The module in `folder/plugin.py`, as `extensions.NAME.plugin`, so that it can import files beside it.

    `fresh` reads files anew that were imported before.
    """
    package = f"{PACKAGE}.{folder.name}"
    known = sys.modules.get(package)
    if known is not None and (fresh or str(folder) not in paths_of(known)):
        forget(package)
    if package not in sys.modules:
        add_package(package, folder)
    return importlib.import_module(f"{package}.{PLUGIN}")


def paths_of(package: ModuleType) -> list[str]:
    """The folders of a package."""
    return list(getattr(package, "__path__", []))


def forget(package: str) -> None:
    """Let go of a package and what is in it, so that it can be imported anew."""
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def add_package(package: str, folder: Path) -> None:
    """Make a folder a package. Its `__init__.py`, if it has one, is run."""
    parent = parent_package()
    init = folder / "__init__.py"
    places = [str(folder)]
    spec = (
        importlib.util.spec_from_file_location(package, init, submodule_search_locations=places)
        if init.is_file()
        else ModuleSpec(package, None, is_package=True)
    )
    assert spec is not None, "a .py file has a loader"
    spec.submodule_search_locations = places
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    setattr(parent, folder.name, module)
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException:
        forget(package)
        raise


def parent_package() -> ModuleType:
    """The package that all extensions are in; made here where the program lies in no folder of its own."""
    try:
        return importlib.import_module(PACKAGE)
    except ModuleNotFoundError:
        module = ModuleType(PACKAGE)
        module.__path__ = []
        sys.modules[PACKAGE] = module
        return module
