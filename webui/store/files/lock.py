"""data/webui.lock: one server to a data folder."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from webui.core.errors import Busy
from webui.store.files.atomic import storage_errors

LOCK_NAME = "webui.lock"
# GalleryContext the lock, whose own content filelock empties at every try.
PID_NAME = "webui.pid"


class DataLock:
    """Held as long as this object lives; a process that ends, however it does, lets go of it."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the data folder; nothing is locked yet."""
        self._folder = folder
        self._lock = FileLock(folder / LOCK_NAME, timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Take the lock. Raises Busy if another server has it."""
        with storage_errors(self._folder / LOCK_NAME):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except Timeout as error:
                raise Busy(
                    f"Another server{self._holder()} already uses the data folder {self._folder}. "
                    "Stop it first, or start this one with another --data-dir."
                ) from error
            (self._folder / PID_NAME).write_text(f"{os.getpid()}\n", encoding="ascii")

    def release(self) -> None:
        """Let go of the lock; nothing happens if it is not held."""
        if self._lock.is_locked:
            (self._folder / PID_NAME).unlink(missing_ok=True)
            self._lock.release()

    def __enter__(self) -> Self:
        """Take the lock."""
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the lock."""
        self.release()

    def _holder(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return f" (process {int((self._folder / PID_NAME).read_text(encoding='ascii'))})"
        return ""
