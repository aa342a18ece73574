"""Putting back what loading extensions changes for the whole process: modules, paths, replacements."""

import builtins
import logging
import operator
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from webui.compat.a1111.layout import SITE
from webui.compat.a1111.loading.old_names import OldNames
from webui.compat.a1111.loading.patches import undo_all
from webui.compat.a1111.loading.streams import streams
from webui.plugins.importing import parent_package, paths_of

logger = logging.getLogger(__name__)
# Of `modules.shared`: every extension and the host itself ask these.
SHARED = ("opts", "state", "cmd_opts")


@dataclass(frozen=True, slots=True)
class Undoing:
    """What there was before. `folders` are the extensions', whose modules are let go of."""

    folders: tuple[str, ...]
    path: tuple[str, ...]
    finders: tuple[Any, ...]
    builtins: dict[str, Any]
    working_folder: str
    package_path: tuple[str, ...]
    environment: dict[str, str]
    old_names: OldNames = field(default_factory=OldNames)

    @classmethod
    def begin(cls, folders: Sequence[Path]) -> "Undoing":
        """Keep what there is now.

        From here on extensions cannot close the standard streams, and find names that packages have no more.
        """
        streams.begin()
        places = tuple(str(folder) for folder in folders)
        undoing = cls(
            places,
            tuple(sys.path),
            tuple(sys.meta_path),
            dict(vars(builtins)),
            str(Path.cwd()),
            tuple(paths_of(parent_package())),
            dict(os.environ),
        )
        undoing.old_names.add()
        return undoing

    def undo(self) -> None:
        """Put it back. Safe to call twice."""
        undo_all()
        self.old_names.take_away()
        streams.end()
        restore_builtins(self.builtins)
        for name in [name for name, module in list(sys.modules.items()) if self._is_theirs(module)]:
            del sys.modules[name]
        sys.path[:] = self.path
        sys.meta_path[:] = self.finders
        parent_package().__path__ = list(self.package_path)
        os.chdir(self.working_folder)
        os.environ.clear()
        os.environ.update(self.environment)

    def _is_theirs(self, module: ModuleType | None) -> bool:
        """Whether a module is an extension's, or one of A1111's names."""
        places = [getattr(module, "__file__", None), *list_path(module)]
        roots = (*self.folders, str(SITE))
        return any(
            isinstance(place, str) and (place == root or place.startswith(root + os.sep))
            for place in places
            for root in roots
        )


def open_package(home: Path) -> None:
    """Let modules below a folder of extensions be imported as `extensions.NAME.module` too, as in A1111."""
    package = parent_package()
    if str(home) not in paths_of(package):
        package.__path__ = [*paths_of(package), str(home)]


def list_path(module: ModuleType | None) -> list[Any]:
    """The folders of a package; none of a module. Raises nothing, whatever the module is."""
    try:
        return list(getattr(module, "__path__", None) or [])
    except Exception:  # noqa: BLE001 - the object is a stranger's
        return []


class TookAway(RuntimeError):
    """An extension replaced or closed what all share. The text is a sentence."""


@contextmanager
def keep_process(extension: str, note: Callable[[TookAway], object] | None = None) -> Generator[None]:
    """Around a call: what all code shares is afterwards as it was; `note` is told what was not.

    Python's own functions, the standard streams, the working folder, and what `modules.shared` has for all.
    """
    functions, place, shared = dict(vars(builtins)), working_folder(), shared_objects()
    try:
        yield
    finally:
        changes: list[str] = []
        if replaced := restore_builtins(functions):
            changes.append(f"replaced {', '.join(sorted(replaced))}")
        if closed := streams.mend():
            changes.append(f"closed {', '.join(closed)}")
        if place is not None and working_folder() != place:
            os.chdir(place)
            changes.append("changed the working folder")
        if replaced := restore_shared(shared):
            changes.append(f"replaced {', '.join(replaced)}")
        for change in changes:
            logger.warning("The extension %s %s; put back", extension, change)
            if note is not None:
                note(TookAway(f"It {change}, which others use too. That was put back."))


def shared_objects() -> dict[str, Any]:
    """What `modules.shared` holds for all extensions; nothing before it is there."""
    module = sys.modules.get("modules.shared")
    return {name: getattr(module, name) for name in SHARED} if module else {}


def restore_shared(before: dict[str, Any]) -> list[str]:
    """Put back what `modules.shared` held; the names of what was replaced."""
    module = sys.modules.get("modules.shared")
    changed = [name for name, value in before.items() if getattr(module, name, None) is not value]
    for name in changed:
        setattr(module, name, before[name])
    return [f"shared.{name}" for name in changed]


def working_folder() -> Path | None:
    """The working folder; None if it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


def restore_builtins(before: dict[str, Any]) -> list[str]:
    """Put back functions of Python itself that were replaced or taken away; their names."""
    now = vars(builtins)
    # The usual case, which is asked about with every component of the page.
    if len(now) == len(before) and all(map(operator.is_, now.values(), before.values())):
        return []
    # What is new does nobody harm: `_` of translations, say.
    changed = [
        name for name, value in before.items() if name not in {"_", "__doc__"} and now.get(name) is not value
    ]
    for name in changed:
        setattr(builtins, name, before[name])
    return changed
