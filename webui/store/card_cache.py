"""What was read from sidecars, so that an unchanged one is not opened at the next start."""

import json
from collections.abc import Mapping
from pathlib import Path

from webui.store.database import Database
from webui.store.header_cache import key_of
from webui.store.sidecars import CardText, typed

# Raise it when the reading of sidecars changes: what was remembered under older rules is read again.
RULES = "1 "


class CardCache:
    """Card texts by the model's path, each with a stamp of its sidecars' sizes and times."""

    def __init__(self, database: Database) -> None:
        """Keeps its rows in the `cards` table."""
        self._database = database

    def all(self) -> dict[Path, tuple[str, CardText]]:
        """Everything that is remembered."""
        rows = self._database.rows("SELECT path, stamp, text FROM cards")
        return {
            Path(row["path"]): (row["stamp"].removeprefix(RULES), typed(json.loads(row["text"])))
            for row in rows
            if row["stamp"].startswith(RULES)
        }

    def put(self, texts: Mapping[Path, tuple[str, CardText]]) -> None:
        """Remember these too."""
        if not texts:
            return
        rows = [
            (key_of(path), RULES + stamp, json.dumps(text.as_json(), ensure_ascii=True))
            for path, (stamp, text) in texts.items()
        ]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO cards (path, stamp, text) VALUES (?, ?, ?)", rows)
