"""Extensions that fail start after start, and those that take the program down, are switched off.

A file of the data folder keeps how often each failed in a row, how, and which was being loaded.
"""

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from webui.core.errors import StorageError
from webui.store.files.atomic import write_atomically

logger = logging.getLogger(__name__)
STARTS = "extension_starts.json"
# The extension whose code is being run while the server starts; of a length of its own.
RUNNING, RUNNING_BYTES = "extension_running.txt", 512
MOST_FAILED_STARTS = 3
DIED = "The server did not survive loading it"


class FailedStart(BaseModel):
    """Of one extension: its failed starts in a row, what was wrong, whether it was switched off for that."""

    count: int = 0
    error: str = ""
    is_off: bool = False


class StartNotes(BaseModel):
    """The file."""

    failed: dict[str, FailedStart] = {}


@dataclass(slots=True)
class FailedStarts:
    """The notes on all starts. Another file has the extension whose code is being run: if its name is still
    there at the next start, it took the server down.
    """

    path: Path
    notes: StartNotes = field(default_factory=StartNotes)
    _running: str = ""
    _file: int | None = None

    @classmethod
    def read(cls, data: Path) -> "FailedStarts":
        """Those of a data folder. An extension that was being loaded when the server died has failed."""
        starts = cls(data / STARTS)
        try:
            starts.notes = StartNotes.model_validate_json(starts.path.read_bytes())
        except (OSError, ValidationError):
            starts.notes = StartNotes()
        died = read_running(data / RUNNING)
        if died:
            starts._count(died, DIED)
            starts._write()
            starts.mark("")
        return starts

    @contextmanager
    def running(self, name: str) -> Generator[None]:
        """While the code of an extension is run; what was marked before is marked again afterwards."""
        before = self._running
        self.mark(name)
        try:
            yield
        finally:
            self.mark(before)

    def end(self) -> None:
        """Keep what was noted."""
        self._write()

    def note(self, name: str, error: str) -> None:
        """What became of an extension in this start: `error` is "" if it was loaded."""
        if error:
            self._count(name, error)
        else:
            self.notes.failed.pop(name, None)

    def take_exhausted(self) -> dict[str, str]:
        """Extensions to switch off now, with a sentence on each."""
        found: dict[str, str] = {}
        for name, each in self.notes.failed.items():
            if each.count >= MOST_FAILED_STARTS and not each.is_off:
                each.is_off = True
                found[name] = sentence(each)
        if found:
            self._write()
        return found

    def reasons(self) -> dict[str, str]:
        """Sentences on those that were switched off."""
        return {name: sentence(each) for name, each in self.notes.failed.items() if each.is_off}

    def forgive(self, name: str) -> None:
        """An extension was switched on again: it may try as often as a new one."""
        if self.notes.failed.pop(name, None) is not None:
            self._write()

    def _count(self, name: str, error: str) -> None:
        each = self.notes.failed.setdefault(name, FailedStart())
        each.count, each.error = each.count + 1, error[:500]

    def mark(self, name: str) -> None:
        """From now on the code of this extension is run; "" for none.

        Costs microseconds: what is written need not reach the disk, for the system outlives this program.
        """
        self._running = name
        content = name.encode("utf-8", "surrogateescape")[:RUNNING_BYTES].ljust(RUNNING_BYTES, b"\n")
        try:
            if self._file is None:
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
                self._file = os.open(self.path.with_name(RUNNING), flags, 0o644)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, content)
        except OSError as error:
            logger.debug("No note of what is run: %s", error)

    def _write(self) -> None:
        try:
            write_atomically(self.path, self.notes.model_dump_json(indent=1).encode("utf-8"))
        except StorageError as error:
            # Loading goes on without notes.
            logger.warning("%s", error)


def read_running(file: Path) -> str:
    """The name of the extension whose code was run last when the server ended; "" if none was."""
    try:
        with file.open("rb") as content:
            return content.read(RUNNING_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def sentence(failed: FailedStart) -> str:
    """Why an extension is off."""
    return (
        f"It failed in {failed.count} starts in a row, and was switched off ({failed.error.rstrip('.')}). "
        "Switch it on to try again."
    )
