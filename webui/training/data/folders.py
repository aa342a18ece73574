"""Which folders a data set may name."""

from collections.abc import Callable
from pathlib import Path

from webui.core.errors import InvalidRequest
from webui.store.files.regular_files import is_folder, is_regular

# Asked of each folder that a data set names, with what it is to be; raises InvalidRequest where it may not be
# read. It is asked before anything is looked for there.
Guard = Callable[[str, Path], None]


def allow_all(what: str, folder: Path) -> None:
    """The guard of whoever reads files of their own."""


def require_folder(what: str, folder: Path, guard: Guard) -> None:
    """Raise InvalidRequest if there is no folder, or it may not be read."""
    guard(what, folder)
    if not is_folder(folder):
        found = "is a file" if is_regular(folder) else "is not there"
        raise InvalidRequest(
            f"{what} is to be {folder}, but that {found}. Name a folder with pictures, a .zip or a .toml."
        )
