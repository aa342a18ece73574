"""What was read from model files, so that an unchanged file costs one `stat` at the next start."""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.store.database import Database

# More paths than this are not asked for by name: one look at the whole table is quicker.
FEW = 500
# A row is true while the file has this size and modification time.
# How a key spells a byte of a name that is no UTF-8.
ESCAPED_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")
UNCHANGED = "path = ? AND size = ? AND mtime_ns = ?"


@dataclass(frozen=True, slots=True)
class FileHashes:
    """Digests of a file, None where they were not computed yet.

    SHA-256, A1111's first 8-digit hash, and the SHA-256 of what follows a safetensors header.
    """

    sha256: str | None = None
    old_hash: str | None = None
    data_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was when something was remembered of it."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered of a file: its entry, None if there is none yet, and its hashes."""

    entry: dict[str, Any] | None
    hashes: FileHashes


class HeaderCache:
    """Entries and hashes by path, size and modification time."""

    def __init__(self, database: Database) -> None:
        """Keeps its rows in the `headers` table."""
        self._database = database

    def get(self, path: Path, size: int, mtime_ns: int) -> dict[str, Any] | None:
        """The entry that was put for this file, None if it changed since."""
        rows = self._database.rows(
            f"SELECT entry FROM headers WHERE {UNCHANGED}", (key_of(path), size, mtime_ns)
        )
        return json.loads(rows[0]["entry"]) if rows and rows[0]["entry"] else None

    def put(self, path: Path, size: int, mtime_ns: int, entry: dict[str, Any]) -> None:
        """Remember an entry, which must be JSON-able. Hashes stay if the file did not change."""
        self._update(path, size, mtime_ns, entry=json.dumps(entry, ensure_ascii=False))

    def remembered(self, stamps: Sequence[Stamp]) -> dict[Path, Remembered]:
        """What is remembered of files that did not change since; of many at once, in one query."""
        wanted = {key_of(stamp.path): stamp for stamp in stamps}
        sql = "SELECT path, size, mtime_ns, entry, sha256, old_hash, data_hash FROM headers"
        if len(stamps) <= FEW:
            marks = ", ".join("?" * len(wanted))
            rows = self._database.rows(f"{sql} WHERE path IN ({marks})", tuple(wanted))
        else:
            rows = self._database.rows(sql)
        found: dict[Path, Remembered] = {}
        for path, size, mtime_ns, entry, *hashes in rows:
            stamp = wanted.get(path)
            if stamp is not None and (stamp.size, stamp.mtime_ns) == (size, mtime_ns):
                found[stamp.path] = Remembered(json.loads(entry) if entry else None, FileHashes(*hashes))
        return found

    def put_all(self, entries: Sequence[tuple[Stamp, dict[str, Any]]]) -> None:
        """Remember many entries in one transaction."""
        with self._database.writing() as connection:
            for stamp, entry in entries:
                key = (key_of(stamp.path), stamp.size, stamp.mtime_ns)
                _write(connection, key, {"entry": json.dumps(entry, ensure_ascii=False)})

    def hashes(self, path: Path, size: int, mtime_ns: int) -> FileHashes:
        """The hashes remembered for this file; none if it changed since."""
        rows = self._database.rows(
            f"SELECT sha256, old_hash, data_hash FROM headers WHERE {UNCHANGED}",
            (key_of(path), size, mtime_ns),
        )
        return FileHashes(*rows[0]) if rows else FileHashes()

    def remember_hashes(
        self,
        path: Path,
        size: int,
        mtime_ns: int,
        *,
        sha256: str | None = None,
        old_hash: str | None = None,
        data_hash: str | None = None,
    ) -> None:
        """Remember the hashes that are given; the others stay."""
        self._update(path, size, mtime_ns, sha256=sha256, old_hash=old_hash, data_hash=data_hash)

    def forget(self, path: Path) -> None:
        """Drop everything about a file."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM headers WHERE path = ?", (key_of(path),))

    def _update(self, path: Path, size: int, mtime_ns: int, **values: str | None) -> None:
        with self._database.writing() as connection:
            _write(connection, (key_of(path), size, mtime_ns), values)


def _write(
    connection: sqlite3.Connection, key: tuple[str, int, int], values: Mapping[str, str | None]
) -> None:
    """Set columns of a file's row; a row of the file as it was before goes."""
    connection.execute("DELETE FROM headers WHERE path = ? AND NOT (size = ? AND mtime_ns = ?)", key)
    connection.execute("INSERT OR IGNORE INTO headers (path, size, mtime_ns) VALUES (?, ?, ?)", key)
    for column, value in values.items():
        if value is not None:
            connection.execute(f"UPDATE headers SET {column} = ? WHERE path = ?", (value, key[0]))


def path_of(key: str) -> Path:
    """The path of a key."""
    return Path(ESCAPED_BYTE.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), key))


def key_of(path: Path) -> str:
    """A file's path as a key: absolute, however it was spelled."""
    return str(path.absolute()).encode(errors="surrogateescape").decode(errors="backslashreplace")
