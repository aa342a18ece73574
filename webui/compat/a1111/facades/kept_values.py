"""A1111's caches on disk: values by subsection and key, as JSON in a small database."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

FILE = "extension-cache.db"
# SQLite's own wait where another process writes, in seconds.
TIMEOUT_S = 10.0


class CachedValues(MutableMapping[str, Any]):
    """One subsection. What is no JSON is kept until the program ends. On any thread."""

    def __init__(self, database: sqlite3.Connection, lock: threading.RLock, section: str) -> None:
        """`database` may be used by all threads that hold the lock."""
        self._database, self._lock, self._section = database, lock, section
        self._passing: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - extensions' values
        """Raises KeyError."""
        with self._lock:
            if key in self._passing:
                return self._passing[key]
            row = self._database.execute(
                "SELECT value FROM kept WHERE section = ? AND name = ?", (self._section, str(key))
            ).fetchone()
        if row is None:
            raise KeyError(key)
        return json.loads(row[0])

    def __setitem__(self, key: str, value: object) -> None:
        """Keep a value."""
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):
            with self._lock:
                self._passing[key] = value
            return
        with self._lock, self._database:
            self._passing.pop(key, None)
            self._database.execute(
                "INSERT OR REPLACE INTO kept (section, name, value) VALUES (?, ?, ?)",
                (self._section, str(key), text),
            )

    def __delitem__(self, key: str) -> None:
        """Raises KeyError."""
        with self._lock, self._database:
            was_passing = self._passing.pop(key, None) is not None
            found = self._database.execute(
                "DELETE FROM kept WHERE section = ? AND name = ?", (self._section, str(key))
            )
            if not found.rowcount and not was_passing:
                raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        """The keys as they are now."""
        with self._lock:
            rows = self._database.execute(
                "SELECT name FROM kept WHERE section = ?", (self._section,)
            ).fetchall()
            return iter(list(dict.fromkeys([*(row[0] for row in rows), *self._passing])))

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)


class Caches:
    """All subsections of a folder's database, made when it is first asked."""

    def __init__(self, folder: Path) -> None:
        """Opens the database, or makes it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(folder / FILE, TIMEOUT_S, check_same_thread=False)
        with self._database:
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS kept"
                " (section TEXT, name TEXT, value TEXT, PRIMARY KEY (section, name))"
            )
        self._sections: dict[str, CachedValues] = {}

    def section(self, name: str) -> CachedValues:
        """The subsection of a name."""
        with self._lock:
            found = self._sections.get(name)
            if found is None:
                found = self._sections[name] = CachedValues(self._database, self._lock, name)
            return found

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def of_file(cached: MutableMapping[str, Any], title: str, path: Path, compute: Callable[[], Any]) -> Any:  # noqa: ANN401 - extensions' values
    """What was computed of a file; computed again if it changed since. None is not kept."""
    changed = path.stat().st_mtime
    entry = cached.get(title)
    if isinstance(entry, dict) and "value" in entry and entry.get("mtime") == changed:
        return entry["value"]
    value = compute()
    if value is not None:
        cached[title] = {"mtime": changed, "value": value}
    return value
