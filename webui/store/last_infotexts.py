"""What the paste arrow gives for an empty prompt: the parameters of the last picture of the same owner."""

import hashlib
import time

from webui.store.database import Database

# Browsers that come once and keep no cookie would make the table grow for ever.
MOST_OWNERS = 1000


class LastInfotexts:
    """One infotext by owner, who is a browser or somebody who logged in. Any thread."""

    def __init__(self, database: Database) -> None:
        """Keeps its rows in the `last_infotexts` table."""
        self._database = database

    def remember(self, owner: str, infotext: str) -> None:
        """Keep the infotext of an owner's newest picture. Raises StorageError."""
        row = (key_of_owner(owner), infotext.encode(errors="replace").decode(), time.time())
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO last_infotexts VALUES (?, ?, ?)", row)
            connection.execute(
                "DELETE FROM last_infotexts WHERE owner NOT IN "
                "(SELECT owner FROM last_infotexts ORDER BY created DESC, rowid DESC LIMIT ?)",
                (MOST_OWNERS,),
            )

    def of(self, owner: str) -> str | None:
        """What was remembered; None before the owner's first picture. Raises StorageError."""
        rows = self._database.rows(
            "SELECT infotext FROM last_infotexts WHERE owner = ?", (key_of_owner(owner),)
        )
        return str(rows[0]["infotext"]) if rows else None


def key_of_owner(owner: str) -> str:
    """What an owner is called in the table: a browser's id is a secret of its cookie."""
    return hashlib.blake2b(owner.encode(errors="replace"), digest_size=16).hexdigest()
