"""What a server that was killed left half-written, cleared away at the next start.

Files are written under a hidden name beside their own and then renamed (atomic.py, numbering.py, staging.py).
Only those names are looked for, in folders that we write to, and only files older than this start: what
another server writes meanwhile stays.
"""

import contextlib
import itertools
import logging
import os
import re
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)
# As mkstemp, grids being drawn, numbers being taken and copies between disks call them.
HALF_WRITTEN = re.compile(
    r"(\.|grid-)[a-z0-9_]{8}\.tmp|\.([^/]+-)?[0-9]{4,18}\.numbered\.tmp|\.incoming-[0-9a-f]{16}\.tmp",
    re.ASCII,
)
# Clocks of network disks and of this machine differ by a little.
MARGIN_S = 2.0
# What os.walk says of a folder that is not there.
NOTHING: tuple[str, list[str], list[str]] = ("", [], [])


@dataclass(frozen=True, slots=True)
class WrittenFolders:
    """Folders that the server writes to: some with all that lies below, of others only their own files."""

    whole: Sequence[Path]
    flat: Sequence[Path] = ()


def sweep(folders: WrittenFolders, started: float) -> int:
    """Remove what was left half-written in these folders before `started` (Unix time); how many files."""
    removed = 0
    for path in find_half_written(folders):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and found.st_mtime < started - MARGIN_S:
                path.unlink()
                removed += 1
    return removed


def find_half_written(folders: WrittenFolders) -> Iterator[Path]:
    """Files with such names. Links to folders are not followed; unreadable folders are passed over."""
    places = itertools.chain.from_iterable(os.walk(folder) for folder in keep_outermost(folders.whole))
    for place, _, names in itertools.chain(places, (next(os.walk(flat), NOTHING) for flat in folders.flat)):
        yield from (Path(place) / name for name in names if HALF_WRITTEN.fullmatch(name))


def keep_outermost(folders: Iterable[Path]) -> list[Path]:
    """The folders without those that lie in another one, each once."""
    real: set[Path] = set()
    for folder in folders:
        with contextlib.suppress(OSError, RuntimeError):
            real.add(folder.resolve())
    return sorted(folder for folder in real if not any(parent in real for parent in folder.parents))


class Sweeping:
    """Sweeps once, in the background: large folders take a while to go through."""

    def __init__(self, folders: Callable[[], WrittenFolders], started: float) -> None:
        """`folders` are those that this server writes to; `started` is when it started (Unix time)."""
        self._folders = folders
        self._started = started
        self._thread = threading.Thread(target=self._work, name="sweep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Wait a little for the end."""
        self._thread.join(timeout=5)

    def _work(self) -> None:
        if removed := sweep(self._folders(), self._started):
            logger.info("Removed %d half-written files that an earlier run left", removed)
