"""What was read from sidecars, so that an unchanged one is not opened at the next start."""

import json
from collections.abc import Mapping

from webui.store.database import Database
from webui.store.sidecars import CardText, card_text_of

# Raise it when the reading of sidecars or the fields of cards change: what was remembered is then read again.
RULES = "3 "


class CardCache:
    """Card texts by the keys of models' paths, each with a stamp of its sidecars' sizes and times."""

    def __init__(self, database: Database) -> None:
        """Keeps its rows in the `cards` table."""
        self._database = database

    def all(self) -> dict[str, tuple[str, CardText]]:
        """Everything that is remembered."""
        rows = self._database.rows("SELECT path, stamp, text FROM cards WHERE stamp LIKE ?", (f"{RULES}%",))
        return {
            path: (stamp.removeprefix(RULES), card_text_of(json.loads(text))) for path, stamp, text in rows
        }

    def put(self, texts: Mapping[str, tuple[str, CardText]]) -> None:
        """Remember these too."""
        if not texts:
            return
        rows = [(key, RULES + stamp, json.dumps(text.as_row())) for key, (stamp, text) in texts.items()]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO cards (path, stamp, text) VALUES (?, ?, ?)", rows)
