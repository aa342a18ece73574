"""data/webui.db: an index of what lies in files. Deleting it loses no picture."""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from webui.core.errors import StorageError

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 10
IN_MEMORY = Path(":memory:")
# What SQLite calls a file that is no database or a damaged one.
DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
SQLValue = str | int | float | bytes | None


def create_headers(connection: sqlite3.Connection) -> None:
    """What is known of model files."""
    connection.execute(
        "CREATE TABLE headers (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, "
        "entry TEXT, sha256 TEXT, old_hash TEXT)"
    )


def create_images(connection: sqlite3.Connection) -> None:
    """What was generated, with an index of the words in it."""
    connection.execute(
        "CREATE TABLE images (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, infotext TEXT NOT NULL, "
        "request TEXT, seed TEXT, created REAL NOT NULL)"
    )
    connection.execute("CREATE INDEX images_created ON images (created)")
    connection.execute(
        "CREATE VIRTUAL TABLE images_words USING fts5 "
        "(infotext, content='images', content_rowid='id', tokenize='unicode61 remove_diacritics 2')"
    )


def create_cards(connection: sqlite3.Connection) -> None:
    """What is written beside model files."""
    connection.execute("CREATE TABLE cards (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, text TEXT NOT NULL)")


def add_data_hash(connection: sqlite3.Connection) -> None:
    """Digests of what follows a file's header, by which A1111 knows LoRAs."""
    connection.execute("ALTER TABLE headers ADD COLUMN data_hash TEXT")


def create_notes(connection: sqlite3.Connection) -> None:
    """What was done once and for all with this database."""
    connection.execute("CREATE TABLE notes (name TEXT PRIMARY KEY)")


def create_last_infotexts(connection: sqlite3.Connection) -> None:
    """The infotext of the last picture of each browser, or of who logged in."""
    connection.execute(
        "CREATE TABLE last_infotexts (owner TEXT PRIMARY KEY, infotext TEXT NOT NULL, created REAL NOT NULL)"
    )


# In order, and never changed once released: a later change is a new entry.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    create_headers,
    create_images,
    create_cards,
    add_data_hash,
    create_notes,
    create_last_infotexts,
)


class Database:
    """One connection for all threads. A damaged file is put aside, for the files are the truth."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file and brings its tables up to date. Raises StorageError."""
        self._lock = threading.RLock()
        self._messages: tuple[str, ...] = ()
        try:
            self._connection = open_database(path)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in DAMAGED:
                raise refusal(path, error) from error
            self._messages = (put_aside(path),)
            logger.warning("%s", self._messages[0])
            self._connection = open_database(path)

    @property
    def messages(self) -> tuple[str, ...]:
        """Sentences about what was odd when the file was opened."""
        return self._messages

    def rows(self, sql: str, parameters: Sequence[SQLValue] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection, None, None]:
        """One transaction, alone: kept if the block ends well, undone if it raises."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:
                    yield self._connection
            except sqlite3.OperationalError as error:
                raise refusal(Path("webui.db"), error) from error

    def close(self) -> None:
        """Finish; the database cannot be used afterwards."""
        with self._lock:
            self._connection.close()


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to an up-to-date database."""
    if path != IN_MEMORY:
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        # WAL lets other programs look in while we write; NORMAL is safe with it and waits less for the disk.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        migrate(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that the file has not seen, each in its own transaction."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
    for migration in MIGRATIONS:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if not connection.execute(
                "SELECT 1 FROM migrations WHERE name = ?", (migration.__name__,)
            ).fetchone():
                migration(connection)
                connection.execute("INSERT INTO migrations VALUES (?)", (migration.__name__,))


def put_aside(path: Path) -> str:
    """Rename a damaged database with its companions; the sentence that says so."""
    number = 1
    while (broken := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    try:
        path.rename(broken)
        for companion in ("-wal", "-shm"):
            path.with_name(path.name + companion).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path} is damaged and cannot be moved away: {error.strerror}. Delete it."
        ) from error
    return (
        f"{path.name} was damaged and is kept as {broken.name}. A new one was made; "
        "pictures are not affected and are listed again from their files."
    )


def refusal(path: Path, error: sqlite3.Error) -> StorageError:
    """SQLite's refusal as a sentence."""
    return StorageError(
        f"Cannot use the database {path}: {error}. Check the disk's free space and the permissions."
    )
