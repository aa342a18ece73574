"""Changes to a data set's files that can be undone, several one after another, also after a restart."""

import base64
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from webui.core.errors import InvalidRequest, NotFound, StorageError
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.regular_files import read_regular, regular_files
from webui.training.data.captions import MAX_CAPTION_BYTES

# Older ones are dropped.
MAX_LEVELS = 100
MAX_ENTRY_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Change:
    """A small file before and after, its path below the data set; None: there was none. Bytes in base64."""

    file: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing did: files that are as before, and those left alone because others changed them since."""

    restored: list[str]
    left: list[str]


class EditHistory:
    """The history of one data set. Whoever uses it holds the desk's lock."""

    def __init__(self, folder: Path, entries: Path) -> None:
        """`folder` is the data set's, `entries` where the history lies; made with the first change."""
        self._folder = folder
        self._entries = entries

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return bool(regular_files(self._entries))

    def write(self, files: Mapping[Path, bytes], mark: str = "") -> None:
        """Write small files as one change. If the disk fills up, all are as before. Raises StorageError.

        Calls with the same mark, with no other change between them, are undone together.
        """
        changes = [
            Change(path.relative_to(self._folder).as_posix(), in_base64(read_or_none(path)), in_base64(data))
            for path, data in files.items()
        ]
        # First: should the server be killed now, undoing finds what stood there.
        begun = self._newest(mark) if mark else None
        noted = [asdict(change) for change in changes]
        if begun is None:
            self._add({"changes": noted, "mark": mark})
        else:
            path, entry = begun
            write_entry(path, entry | {"changes": [*entry["changes"], *noted]})
        try:
            for path, data in files.items():
                write_atomically(path, data)
        except StorageError:
            with contextlib.suppress(StorageError, InvalidRequest):
                self._take_back(changes, begun)
            raise

    def _newest(self, mark: str) -> tuple[Path, dict[str, Any]] | None:
        """The newest entry, if it has this mark. Any: JSON values."""
        entries = regular_files(self._entries)
        entry = read_entry(entries[-1]) if entries else {}
        return (entries[-1], entry) if entry.get("mark") == mark and "changes" in entry else None

    def _take_back(self, changes: list[Change], begun: tuple[Path, dict[str, Any]] | None) -> None:
        """Undo a change that came but half-way; what was written before under its mark stays."""
        if begun is None:
            self.undo(lambda _: None)
            return
        for change in reversed(changes):
            self._put_back(change)
        write_entry(*begun)

    def note_trashed(self, files: list[str], identity: str) -> None:
        """Remember that files went to the trash together, as its entry `identity`."""
        self._add({"trashed": identity, "files": files, "changes": []})

    def undo(self, restore_trashed: Callable[[str], object]) -> Undone:
        """Put back what the last change changed, byte by byte. Raises InvalidRequest if there is none."""
        entries = regular_files(self._entries)
        if not entries:
            raise InvalidRequest("There is nothing to undo.")
        entry = read_entry(entries[-1])
        restored: list[str] = []
        left: list[str] = []
        for change in reversed(entry.get("changes", [])):
            (restored if self._put_back(Change(**change)) else left).append(change["file"])
        if "trashed" in entry:
            try:
                restore_trashed(entry["trashed"])
                restored += entry["files"]
            except NotFound:
                left += entry["files"]
        with storage_errors(entries[-1]):
            entries[-1].unlink()
        return Undone(restored, left)

    def _put_back(self, change: Change) -> bool:
        """Restore one file; False if it is neither as it was before nor as it was left."""
        path = self._folder / change.file
        now = in_base64(read_or_none(path))
        if now not in (change.before, change.after):
            return False
        if change.before is None:
            with storage_errors(path):
                path.unlink(missing_ok=True)
        elif now != change.before:
            write_atomically(path, base64.b64decode(change.before))
        return True

    def _add(self, entry: dict[str, Any]) -> None:
        entries = regular_files(self._entries)
        number = int(entries[-1].stem) + 1 if entries else 1
        write_entry(self._entries / f"{number:08}.json", entry)
        for old in entries[: len(entries) + 1 - MAX_LEVELS]:
            old.unlink(missing_ok=True)


def read_entry(path: Path) -> dict[str, Any]:
    """An entry; one that cannot be read has no changes."""
    with contextlib.suppress(OSError, ValueError):
        document = json.loads(read_regular(path, MAX_ENTRY_BYTES))
        if isinstance(document, dict):
            return cast("dict[str, Any]", document)
    return {}


def write_entry(path: Path, entry: Mapping[str, Any]) -> None:
    """Keep an entry. Raises StorageError."""
    write_atomically(path, json.dumps(entry).encode())


def read_or_none(path: Path) -> bytes | None:
    """A small file's bytes; None if there is none."""
    with storage_errors(path), contextlib.suppress(FileNotFoundError):
        return read_regular(path, 16 * MAX_CAPTION_BYTES)
    return None


def in_base64(data: bytes | None) -> str | None:
    """Bytes as JSON can hold them."""
    return None if data is None else base64.b64encode(data).decode()
