"""What was generated: an index of the pictures on disk, to search them by their words."""

import itertools
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from webui.core.errors import UnusableFile
from webui.core.request import GenerationRequest
from webui.store.database import Database, SQLValue
from webui.store.files.regular_files import folders_below
from webui.store.header_cache import key_of, path_of
from webui.store.pictures.picture_files import pictures_in
from webui.store.reading import read_infotext

SEED_IN_INFOTEXT = re.compile(r"\bSeed: (\d+)")
# Scripts written without spaces between words, which the word index takes for one word a line.
WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Pictures in one step of `gather`: some 20 ms.
GATHERED_AT_ONCE = 10
# The note that says that it went through.
GATHERED = "history gathered"
# Where pictures hold the whole request, beside A1111's infotext.
REQUEST_ITEM = "atelier"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A picture that was generated. `created` is seconds since the epoch."""

    id: int
    path: Path
    infotext: str
    request: GenerationRequest | None
    seed: int | None
    created: float


class FoundPicture(NamedTuple):
    """A picture as `insert` takes it."""

    path: Path
    infotext: str
    request: GenerationRequest | None
    seed: int | None
    created: float


class History:
    """Add, search and delete entries; any thread. Files themselves are never touched."""

    def __init__(self, database: Database) -> None:
        """Keeps its rows in the `images` table."""
        self._database = database

    def add(
        self,
        path: Path,
        infotext: str,
        *,
        request: GenerationRequest | None = None,
        seed: int | None = None,
        created: float | None = None,
    ) -> int:
        """Add a picture, or replace what was known of that path; the entry's id."""
        with self._database.writing() as connection:
            return insert(
                connection, path, infotext, request, seed, time.time() if created is None else created
            )

    def search(self, text: str = "", *, limit: int = 100, offset: int = 0) -> list[HistoryEntry]:
        """Pictures whose infotext has all these words, or words that begin so, newest first."""
        conditions, parameters = conditions_for(text)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        rows = self._database.rows(
            f"SELECT * FROM images {where}ORDER BY created DESC, id DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return [entry_of(row) for row in rows]

    def find(self, path: Path) -> HistoryEntry | None:
        """The entry of a file."""
        rows = self._database.rows("SELECT * FROM images WHERE path = ?", (key_of(path),))
        return entry_of(rows[0]) if rows else None

    def knows(self, path: Path) -> bool:
        """Whether there is an entry of a file."""
        return bool(self._database.rows("SELECT 1 FROM images WHERE path = ?", (key_of(path),)))

    def mentioning(self, fragments: Sequence[str], limit: int) -> tuple[int, list[Path]]:
        """How many infotexts hold one of these texts, letter by letter, and the newest of those pictures."""
        where = " OR ".join("instr(infotext, ?) > 0" for _ in fragments)
        count = self._database.rows(f"SELECT count(*) FROM images WHERE {where}", list(fragments))
        rows = self._database.rows(
            f"SELECT path FROM images WHERE {where} ORDER BY created DESC, id DESC LIMIT ?",
            [*fragments, limit],
        )
        return int(count[0][0]), [path_of(row["path"]) for row in rows]

    def count(self) -> int:
        """How many pictures are known."""
        return int(self._database.rows("SELECT count(*) FROM images")[0][0])

    def delete(self, path: Path) -> bool:
        """Forget a picture; False if it was not known."""
        with self._database.writing() as connection:
            return remove(connection, key_of(path))

    @property
    def is_whole(self) -> bool:
        """Whether earlier pictures are in it: not in a new database, before `gather` is through."""
        return bool(self._database.rows("SELECT 1 FROM notes WHERE name = ?", (GATHERED,)))

    def gather(self, folders: Iterable[Path]) -> Iterator[int]:
        """Add the pictures in these folders that are not known; a few at each step, which gives how many.

        Whoever stops before the end begins again the next time; what is known by then costs little.
        """
        for paths in split_into_batches(paths_in(folders), GATHERED_AT_ONCE):
            pictures = [picture for path in self._unknown(paths) if (picture := describe_found(path))]
            with self._database.writing() as connection:
                for found in pictures:
                    # One that was saved in between is known better.
                    if not is_known(connection, found.path):
                        insert(connection, *found)
            yield len(pictures)
        with self._database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO notes VALUES (?)", (GATHERED,))

    def _unknown(self, paths: Sequence[Path]) -> list[Path]:
        marks = ", ".join("?" * len(paths))
        rows = self._database.rows(
            f"SELECT path FROM images WHERE path IN ({marks})", [key_of(path) for path in paths]
        )
        known = {row["path"] for row in rows}
        return [path for path in paths if key_of(path) not in known]


def insert(
    connection: sqlite3.Connection,
    path: Path,
    infotext: str,
    request: GenerationRequest | None,
    seed: int | None,
    created: float,
) -> int:
    """Write an entry and its words, in place of an older one of the same path."""
    infotext = infotext.encode(errors="replace").decode()
    remove(connection, key_of(path))
    # Seeds reach 2**64, which SQLite's integers do not: kept as text.
    values = (
        key_of(path),
        infotext,
        request.model_dump_json() if request else None,
        seed_text(seed),
        created,
    )
    sql = "INSERT INTO images (path, infotext, request, seed, created) VALUES (?, ?, ?, ?, ?)"
    identity = connection.execute(sql, values).lastrowid
    assert identity is not None
    connection.execute("INSERT INTO images_words (rowid, infotext) VALUES (?, ?)", (identity, infotext))
    return identity


def is_known(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether there is an entry of a path."""
    row = connection.execute("SELECT 1 FROM images WHERE path = ?", (key_of(path),)).fetchone()
    return row is not None


def seed_text(seed: int | None) -> str | None:
    """A seed as it is kept."""
    return None if seed is None else str(seed)


def remove(connection: sqlite3.Connection, path: str) -> bool:
    """Delete an entry and its words."""
    row = connection.execute("SELECT id, infotext FROM images WHERE path = ?", (path,)).fetchone()
    if row is None:
        return False
    # An index without its own copy of the text must be told what the text was.
    connection.execute(
        "INSERT INTO images_words (images_words, rowid, infotext) VALUES ('delete', ?, ?)",
        (row["id"], row["infotext"]),
    )
    connection.execute("DELETE FROM images WHERE id = ?", (row["id"],))
    return True


def conditions_for(text: str) -> tuple[list[str], list[SQLValue]]:
    """SQL conditions for the words of a search, and their parameters."""
    conditions: list[str] = []
    parameters: list[SQLValue] = []
    words = text.replace("\0", " ").encode(errors="replace").decode().split()
    indexed = [word for word in words if not WITHOUT_SPACES.search(word) and any(map(str.isalnum, word))]
    if indexed:
        conditions.append("id IN (SELECT rowid FROM images_words WHERE images_words MATCH ?)")
        # Quoted, so that nothing in a word is an operator of the query language; the star takes longer words.
        parameters.append(" ".join(f'"{word.replace(chr(34), " ")}"*' for word in indexed))
    for word in words:
        if word not in indexed:
            conditions.append("instr(infotext, ?) > 0")
            parameters.append(word)
    return conditions, parameters


def read_request(text: str | None) -> GenerationRequest | None:
    """A request as it was written; None if there is none, or one of another version that cannot be read."""
    try:
        return GenerationRequest.model_validate_json(text) if text else None
    except ValidationError:
        return None


def entry_of(row: sqlite3.Row) -> HistoryEntry:
    """A row as an entry."""
    seed = int(row["seed"]) if row["seed"] is not None else None
    return HistoryEntry(
        row["id"], path_of(row["path"]), row["infotext"], read_request(row["request"]), seed, row["created"]
    )


def paths_in(folders: Iterable[Path]) -> Iterator[Path]:
    """Every picture file below the folders; folders named by dates come newest first."""
    for folder in dict.fromkeys(folders):
        for place in folders_below(folder, newest_first=True):
            yield from pictures_in(place)


def split_into_batches(paths: Iterable[Path], size: int) -> Iterator[list[Path]]:
    """So many at a time."""
    rest = iter(paths)
    while batch := list(itertools.islice(rest, size)):
        yield batch


def describe_found(path: Path) -> FoundPicture | None:
    """What a picture file tells of how it was made; None if it tells nothing."""
    try:
        infotext, items = read_infotext(path)
        created = path.stat().st_mtime
    except (UnusableFile, OSError):
        return None
    if not infotext:
        return None
    seed = SEED_IN_INFOTEXT.search(infotext)
    return FoundPicture(
        path, infotext, read_request(items.get(REQUEST_ITEM)), int(seed[1]) if seed else None, created
    )
