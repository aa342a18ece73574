"""Extensions that fail start after start, and those that take the program down, are switched off.

A file of the data folder keeps how often each failed in a row, how, and which was being loaded.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from webui.core.errors import StorageError
from webui.store.files.atomic import write_atomically

logger = logging.getLogger(__name__)
STARTS = "extension_starts.json"
MOST_FAILED_STARTS = 3
DIED = "The server did not survive loading it"


class FailedStart(BaseModel):
    """Of one extension: its failed starts in a row, what was wrong, whether it was switched off for that."""

    count: int = 0
    error: str = ""
    is_off: bool = False


class StartNotes(BaseModel):
    """The file. `loading` is being loaded; if it still is at the next start, it took the server down."""

    failed: dict[str, FailedStart] = {}
    loading: str = ""


@dataclass(slots=True)
class FailedStarts:
    """The notes on all starts. Written before and after the loading of each extension."""

    path: Path
    notes: StartNotes = field(default_factory=StartNotes)

    @classmethod
    def read(cls, data: Path) -> "FailedStarts":
        """Those of a data folder. An extension that was being loaded when the server died has failed."""
        starts = cls(data / STARTS)
        try:
            starts.notes = StartNotes.model_validate_json(starts.path.read_bytes())
        except (OSError, ValidationError):
            return starts
        if starts.notes.loading:
            starts._count(starts.notes.loading, DIED)
            starts.notes.loading = ""
            starts._write()
        return starts

    def begin(self, name: str) -> None:
        """An extension is about to be loaded."""
        self.notes.loading = name
        self._write()

    def end(self) -> None:
        """Nothing is being loaded any more."""
        self.notes.loading = ""
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

    def _write(self) -> None:
        try:
            write_atomically(self.path, self.notes.model_dump_json(indent=1).encode("utf-8"))
        except StorageError as error:
            # Loading goes on without notes.
            logger.warning("%s", error)


def sentence(failed: FailedStart) -> str:
    """Why an extension is off."""
    return (
        f"It failed in {failed.count} starts in a row, and was switched off ({failed.error.rstrip('.')}). "
        "Switch it on to try again."
    )
