"""Where files lie while they arrive: a hidden folder beside the models, so that no half file is ever listed.

Each has a folder of its own with a record (JSON) and the content under the name it came with. A server that
was killed finds both again.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from webui.core.errors import NotFound, StorageError
from webui.store.files.atomic import move_exclusively, storage_errors, write_atomically
from webui.store.files.regular_files import entries_of, read_regular

INCOMING = ".incoming"
RECORD = "record.json"
# Files on their way into a folder of another disk; hidden, and cleaned away at the next start.
COPY_PREFIX = ".incoming-"
IDENTITY = re.compile(r"[0-9a-f]{16}")
# Room that must stay free for everything else: previews, the database, pictures.
RESERVE_BYTES = 256 * 2**20
READ_BYTES = 1 << 20
MAX_RECORD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Staged:
    """A place for one arriving file: its folder, and the content, which grows there."""

    id: str
    folder: Path
    content: Path

    @property
    def received(self) -> int:
        """Bytes that lie there."""
        try:
            return self.content.stat().st_size
        except FileNotFoundError:
            return 0

    def write_record(self, record: dict[str, Any]) -> None:
        """Remember what is arriving; whole or not at all."""
        write_atomically(self.folder / RECORD, json.dumps(record, ensure_ascii=False).encode())

    def remove(self) -> None:
        """Leave nothing. The record goes first: what a killed server leaves is then cleaned away."""
        (self.folder / RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Staging:
    """A folder of places. Any thread."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder when the first file comes."""
        self.folder = folder

    def make(self, name: str, record: dict[str, Any]) -> Staged:
        """A new place; `name` must be safe already."""
        staged = self.place(secrets.token_hex(8), name)
        staged.write_record(record | {"name": name, "created": time.time()})
        return staged

    def place(self, identity: str, name: str) -> Staged:
        """The place of an id, whether there is anything yet or not."""
        folder = self.folder / identity
        # In a folder of its own, so that no name can meet the record's.
        return Staged(identity, folder, folder / "content" / name)

    def find(self, identity: str) -> tuple[Staged, dict[str, Any]]:
        """A place and its record. Raises NotFound."""
        record = self._record(identity) if IDENTITY.fullmatch(identity) else None
        if record is None:
            raise NotFound("Nothing of that id is arriving. It was finished or cancelled; begin again.")
        return self.place(identity, str(record["name"])), record

    def all(self) -> Iterator[tuple[Staged, dict[str, Any]]]:
        """Every place with a readable record, oldest first."""
        found: list[tuple[Staged, dict[str, Any]]] = []
        for identity in self._identities():
            record = self._record(identity)
            if record is not None:
                found.append((self.place(identity, str(record["name"])), record))
        yield from sorted(found, key=lambda each: float(each[1].get("created", 0)))

    def clean(self) -> None:
        """Remove places without a readable record: a server was killed while it made or emptied them."""
        for identity in self._identities():
            if self._record(identity) is None:
                shutil.rmtree(self.folder / identity, ignore_errors=True)

    def _identities(self) -> list[str]:
        return [each.name for each in entries_of(self.folder) if IDENTITY.fullmatch(each.name)]

    def _record(self, identity: str) -> dict[str, Any] | None:
        try:
            record = json.loads(read_regular(self.folder / identity / RECORD, MAX_RECORD_BYTES))
        except (OSError, ValueError):
            return None
        if not isinstance(record, dict) or not isinstance(cast("dict[str, Any]", record).get("name"), str):
            return None
        return cast("dict[str, Any]", record)


def free_bytes(folder: Path) -> int:
    """Free space where a folder lies, or will lie."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(folder: Path, wanted: int, name: str) -> None:
    """Raise StorageError unless so many bytes fit."""
    free = free_bytes(folder) - RESERVE_BYTES
    if wanted > free:
        raise StorageError(
            f"{name} needs {size_text(wanted)}, but the disk of the models has only "
            f"{size_text(max(free, 0))} to spare. Free some space and try again."
        )


def size_text(size: int) -> str:
    """Bytes as people write them."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def append(path: Path, offset: int, data: bytes) -> None:
    """Write bytes at a place in a growing file, and wait until they lie on the disk."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_away(source: Path, target: Path) -> bool:
    """Move a whole file to its final name, also to another disk; False if the name is taken."""
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.stat().st_dev == target.parent.stat().st_dev:
            return move_exclusively(source, target)
        copy = target.parent / f"{COPY_PREFIX}{secrets.token_hex(8)}.tmp"
        try:
            shutil.copyfile(source, copy)
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
            if not move_exclusively(copy, target):
                return False
        finally:
            copy.unlink(missing_ok=True)
        source.unlink()
        return True


def remove_copies(folders: Iterable[Path]) -> None:
    """Remove copies that a killed server left half-way between two disks."""
    for folder in folders:
        for copy in folder.glob(f"{COPY_PREFIX}*.tmp"):
            copy.unlink(missing_ok=True)
