"""data/keys.json: the artist's keys for other sites. Readable by its owner alone, never shown again."""

import json
import os
import threading
from pathlib import Path
from typing import cast

from webui.core.errors import InvalidRequest
from webui.store.files.atomic import storage_errors, write_atomically

MAX_KEY = 500


class Keys:
    """Keys by the names of sites. Any thread."""

    def __init__(self, path: Path) -> None:
        """Reads the file if there is one."""
        self._path = path
        self._lock = threading.Lock()
        self._keys = read_keys(path)

    def get(self, site: str) -> str | None:
        """The key for a site."""
        return self._keys.get(site) or None

    def change(self, site: str, key: str) -> None:
        """Keep a key; an empty one is forgotten. Raises InvalidRequest."""
        key = key.strip()
        if len(key) > MAX_KEY or not key.isascii() or not key.isprintable() or " " in key:
            raise InvalidRequest("This is no API key: one has letters and digits, without spaces.")
        with self._lock:
            keys = {name: value for name, value in (self._keys | {site: key}).items() if value}
            with storage_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                # Private before there is anything in it.
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
                self._path.chmod(0o600)
            write_atomically(self._path, json.dumps(keys, indent=4).encode())
            self._keys = keys


def read_keys(path: Path) -> dict[str, str]:
    """The keys in the file, none if it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    entries = cast("dict[str, object]", document)
    return {site: key for site, key in entries.items() if isinstance(key, str)}
