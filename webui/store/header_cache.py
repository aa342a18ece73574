"""What was read from model files, so that an unchanged file costs one `stat` at the next start."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.store.database import Database

# A row is true while the file has this size and modification time.
UNCHANGED = "path = ? AND size = ? AND mtime_ns = ?"


@dataclass(frozen=True, slots=True)
class FileHashes:
    """Digests of a file, None where they were not computed yet.

    SHA-256, A1111's first 8-digit hash, and the SHA-256 of what follows a safetensors header.
    """

    sha256: str | None = None
    old_hash: str | None = None
    data_hash: str | None = None


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
        key = (key_of(path), size, mtime_ns)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM headers WHERE path = ? AND NOT (size = ? AND mtime_ns = ?)", key)
            connection.execute("INSERT OR IGNORE INTO headers (path, size, mtime_ns) VALUES (?, ?, ?)", key)
            for column, value in values.items():
                if value is not None:
                    connection.execute(f"UPDATE headers SET {column} = ? WHERE path = ?", (value, key[0]))


def key_of(path: Path) -> str:
    """A file's path as a key: absolute, however it was spelled."""
    return str(path.absolute()).encode(errors="surrogateescape").decode(errors="backslashreplace")
