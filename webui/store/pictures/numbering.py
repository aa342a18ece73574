"""Numbers at the start of file names, counted up in each folder.

The next number is one more than the largest in the folder, as in A1111. A folder is listed only when somebody
else changed it: its modification time is compared with the one left by our last change. A number in use is a
hidden file in the same folder, so that other threads and servers see it: the one that the picture
is written to.
"""

import contextlib
import os
import re
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from webui.store.files.atomic import move_exclusively

if sys.platform != "win32":
    import fcntl

# A server that died leaves its marker behind; no picture takes this long to write.
STALE_AFTER_S = 3600
# Longer runs of digits are somebody's own names, not numbers that were counted.
MAX_DIGITS = 18
REMEMBERED_FOLDERS = 64
MARKER = re.compile(r"\.(.*)\.numbered\.tmp", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Counted:
    """The next free number of a folder, true while the folder's modification time is this."""

    next_number: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """A number nobody else takes while `marker`, an empty file in the folder, exists."""

    number: int
    marker: Path


class Numbering:
    """Remembers the last number per folder and basename; one for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: OrderedDict[tuple[Path, str], Counted] = OrderedDict()

    @contextlib.contextmanager
    def reserved(self, folder: Path, basename: str = "") -> Generator[Reservation, None, None]:
        """The next number, held while the block runs."""
        reservation = self._reserve(folder, basename)
        try:
            yield reservation
        finally:
            reservation.marker.unlink(missing_ok=True)

    def publish(self, reservation: Reservation, path: Path, basename: str = "") -> bool:
        """Give the marker, now holding a picture, its name. False if that name is taken."""
        key = (path.parent, basename)
        with self._lock, folder_lock(path.parent):
            known = self._counted.get(key)
            untouched = known is not None and known.mtime_ns == path.parent.stat().st_mtime_ns
            if not move_exclusively(reservation.marker, path):
                return False
            if known and untouched:
                self._remember(key, known.next_number)
            return True

    def _reserve(self, folder: Path, basename: str) -> Reservation:
        key = (folder, basename)
        with self._lock, folder_lock(folder):
            known = self._counted.get(key)
            if known is None or known.mtime_ns != folder.stat().st_mtime_ns:
                number = next_number(folder, basename)
            else:
                number = known.next_number
            while True:
                marker = folder / f".{add_number(basename, number)}.numbered.tmp"
                try:
                    marker.touch(exist_ok=False)
                except FileExistsError:
                    number += 1
                    continue
                break
            self._remember(key, number + 1)
            return Reservation(number, marker)

    def _remember(self, key: tuple[Path, str], number: int) -> None:
        self._counted[key] = Counted(number, key[0].stat().st_mtime_ns)
        self._counted.move_to_end(key)
        while len(self._counted) > REMEMBERED_FOLDERS:
            self._counted.popitem(last=False)


def add_number(basename: str, number: int) -> str:
    """A1111's way of writing it: 00012, or grid-0012."""
    return f"{basename}-{number:04}" if basename else f"{number:05}"


def next_number(folder: Path, basename: str = "") -> int:
    """One more than the largest number at the start of a folder's names, after the basename and a dash."""
    prefix, largest = f"{basename}-" if basename else "", -1
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if (marker := MARKER.fullmatch(name)) and not remove_if_stale(Path(entry.path)):
                name = marker[1]
            if not name.startswith(prefix):
                continue
            digits = os.path.splitext(name[len(prefix) :])[0].split("-")[0]  # noqa: PTH122 - a Path each is slow
            if digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS:
                largest = max(largest, int(digits))
    return largest + 1


def remove_if_stale(marker: Path) -> bool:
    """Remove what a server left that died while writing."""
    with contextlib.suppress(OSError):
        if time.time() - marker.stat().st_mtime > STALE_AFTER_S:
            marker.unlink()
            return True
    return False


@contextlib.contextmanager
def folder_lock(folder: Path) -> Generator[None, None, None]:
    """Only one process at a time counts in a folder. Where folders cannot be locked, the markers must do."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
