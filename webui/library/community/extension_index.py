"""The public list of A1111's extensions: fetched only when asked for, kept on disk, every field checked."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from webui.core.errors import InvalidRequest, UnusableFile
from webui.library.community.native_features import NativeFeature, find_native_feature
from webui.library.community.repository import RepositoryAddress, is_loopback, read_url
from webui.library.fetch.sites import Sites, host_and_port
from webui.library.fetch.web import Web
from webui.store.files.atomic import write_atomically
from webui.store.files.regular_files import read_regular

FILE = "extension-index.json"
MOST_BYTES, MOST_ENTRIES, MOST_TAGS = 8_000_000, 5000, 100
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class IndexEntry(BaseModel):
    """An extension in the list. Times are ISO 8601, "" where the list says none."""

    name: str
    url: str
    description: str = ""
    tags: list[str] = []
    added: str = ""
    created: str = ""
    updated: str = ""
    stars: int | None = None
    native: NativeFeature | None = None


class ExtensionIndex(BaseModel):
    """The list as it was read: from where, and when. `left_out` counts entries that make no sense."""

    source: str
    read: str
    tags: dict[str, str]
    extensions: list[IndexEntry]
    left_out: int = 0


class IndexFile:
    """The list that was read last."""

    def __init__(self, data: Path, web: Web) -> None:
        self._path = data / FILE
        self._web = web

    def kept(self) -> ExtensionIndex | None:
        """The list on disk; None if none was read yet."""
        try:
            return ExtensionIndex.model_validate_json(read_regular(self._path, 2 * MOST_BYTES))
        except (OSError, ValidationError):
            return None

    def fetch(self, url: str = "") -> ExtensionIndex:
        """Fetch the list at an address, and keep it. Raises InvalidRequest, FetchRefused or UnusableFile."""
        address = url.strip() or self._web.sites.extensions
        read_url(address)
        return self.take(self._bytes(address), address)

    def take(self, data: bytes, source: str) -> ExtensionIndex:
        """Keep a list of which these are the bytes. Raises UnusableFile."""
        index = read_index(data, source)
        write_atomically(self._path, index.model_dump_json().encode())
        return index

    def _bytes(self, url: str) -> bytes:
        if not is_loopback(urlsplit(url).hostname or ""):
            return self._web.bytes(url, MOST_BYTES)
        # The owner's own server, on this machine: nothing else of it is asked.
        here = Web(Sites(trusted=frozenset({host_and_port(url)})), lambda _: None)
        try:
            return here.bytes(url, MOST_BYTES)
        finally:
            here.close()


def read_index(data: bytes, source: str) -> ExtensionIndex:
    """The list in a file. Raises UnusableFile; single entries that make no sense are left out."""
    if len(data) > MOST_BYTES:
        raise UnusableFile(f"This list has more than {MOST_BYTES // 10**6} MB. Choose another file.")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnusableFile(
            "This is no list of extensions: it is no JSON. Choose another file or address."
        ) from error
    # Any: whatever JSON somebody wrote.
    content = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    rows = content.get("extensions")
    if not isinstance(rows, list):
        raise UnusableFile(
            'This is no list of extensions: it has no "extensions". Choose another file or address.'
        )
    listed = cast("list[Any]", rows)[:MOST_ENTRIES]
    entries = [entry for entry in map(read_entry, listed) if entry is not None]
    left_out = len(cast("list[Any]", rows)) - len(entries)
    return ExtensionIndex(
        source=source,
        read=datetime.now(UTC).isoformat(timespec="seconds"),
        tags=read_tags(content.get("tags")),
        extensions=entries,
        left_out=left_out,
    )


def read_tags(value: object) -> dict[str, str]:
    """The tags and what they mean."""
    pairs = cast("dict[str, object]", value).items() if isinstance(value, dict) else ()
    return {text_of(tag, 60): text_of(meaning, 300) for tag, meaning in list(pairs)[:MOST_TAGS]}


def read_entry(row: object) -> IndexEntry | None:
    """One row; None where it names nothing that could be installed."""
    if not isinstance(row, dict):
        return None
    fields = cast("dict[str, object]", row)
    try:
        url = RepositoryAddress.read(text_of(fields.get("url"), 500)).url
    except InvalidRequest:
        return None
    tags = fields.get("tags")
    stars = fields.get("stars")
    return IndexEntry(
        name=text_of(fields.get("name"), 120) or url.rsplit("/", 1)[-1],
        url=url,
        description=text_of(fields.get("description"), 600),
        tags=[text_of(tag, 60) for tag in cast("list[object]", tags)[:20]] if isinstance(tags, list) else [],
        added=date_of(fields.get("added")),
        created=date_of(fields.get("created_at")),
        updated=date_of(fields.get("commit_time")),
        stars=stars
        if isinstance(stars, int) and not isinstance(stars, bool) and 0 <= stars < 10**9
        else None,
        native=find_native_feature(url),
    )


def text_of(value: object, most: int) -> str:
    """A text as one line without control characters; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return UNPRINTABLE.sub(" ", value[: most * 2].encode(errors="replace").decode()).strip()[:most]


def date_of(value: object) -> str:
    """A date, or "" for anything else."""
    return value if isinstance(value, str) and DATE.fullmatch(value) else ""
