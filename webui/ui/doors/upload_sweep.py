"""Files that browsers uploaded to the page, deleted a day after they were used last: at the start and hourly.

Requests do not need them: whatever a job works on was kept in the inputs folder when it was submitted.
"""

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from webui.ui.doors.page_files import PageFiles

logger = logging.getLogger(__name__)
KEPT_S = 24 * 3600.0
PAUSE_S = 3600.0


def sweep_uploads(files: PageFiles, used_before: float, *, is_own_folder: bool) -> int:
    """Delete uploads that were not used since a time (Unix time); how many.

    Other programs may use the folder too unless it is our own; then only what this server knows is deleted.
    What belongs to the page itself stays.
    """
    public, known = files.public_paths(), files.known_paths()
    candidates = files_below(files.uploads) if is_own_folder else map(Path, sorted(known))
    removed: set[str] = set()
    for path in candidates:
        if str(path) not in public and remove_unused(path, used_before):
            removed.add(str(path))
    files.forget(removed | {path for path in known if not os.path.lexists(path)})
    return len(removed)


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, those in folders of links left out."""
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names)


def remove_unused(path: Path, used_before: float) -> bool:
    """Delete a regular file that was not used since, and the folder that Gradio made for it alone."""
    with contextlib.suppress(OSError):
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or max(found.st_atime, found.st_mtime) >= used_before:
            return False
        path.unlink()
        # Fails where something else lies in it.
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        return True
    return False


class UploadSweeping:
    """Sweeps in the background while the server runs."""

    def __init__(self, files: PageFiles, own_folder: Path, pause_s: float = PAUSE_S) -> None:
        """`own_folder` is the one in which nobody else's files lie."""
        self._files = files
        self._own_folder = own_folder
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the sweep that runs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def sweep(self) -> int:
        """Sweep once; how many files were deleted."""
        uploads = Path(os.path.realpath(self._files.uploads))
        is_own = uploads.is_relative_to(os.path.realpath(self._own_folder))
        return sweep_uploads(self._files, time.time() - KEPT_S, is_own_folder=is_own)

    def _work(self) -> None:
        while True:
            if removed := self.sweep():
                logger.info("Deleted %d files that were uploaded to the page more than a day ago", removed)
            if self._stop.wait(self._pause_s):
                return
