"""One file from another host: in pieces to the disk, hashed on its way, going on where it broke off."""

import hashlib
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from webui.library.fetch.refusals import FetchRefused, PartRefused, Stopped
from webui.library.fetch.web import Web, error_text, is_html
from webui.store.files.atomic import storage_errors
from webui.store.files.staging import require_space, size_text

# The disk is waited for this often, so that little is lost when the power fails.
SYNC_BYTES = 64 * 2**20
# A connection that breaks is taken up again so often without a new byte.
TRIES_WITHOUT_PROGRESS = 4
SHORTEST_PAUSE_S = 1.0
# Sites tell sizes in kilobytes, some rounded.
MARGIN_BYTES = 2**20
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
# How answers begin that are no file: pages, and Civitai's {"error": ...}.
NO_FILE = (b"<!doctype", b"<html", b'{"error', b'{"message', b"<?xml")
# Civitai sends models as octet streams; these types are never a model.
NO_FILE_TYPES = ("text/html", "application/json", "application/xml", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """Where a transfer stands, bytes."""

    received: int
    size: int | None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere. `size` is about what its site says; `sha256` is checked by whoever asks for it.

    `etag` tells the version of the file that a part here came with: its ETag, else when it was changed.
    """

    url: str
    name: str
    size: int | None
    etag: str | None = None
    sha256: str | None = None


class Transfer:
    """Fetches one file into a path, which may hold the beginning of it already."""

    def __init__(
        self,
        web: Web,
        source: RemoteFile,
        path: Path,
        stop: threading.Event,
        told: Callable[[TransferProgress, str | None], None],
        pause: Callable[[threading.Event, float], None],
    ) -> None:
        """`told` is called with every piece: where it stands, and the file's etag."""
        self._web = web
        self._source = source
        self._path = path
        self._stop = stop
        self._told = told
        self._pause = pause
        self._etag = source.etag
        self._received = 0
        # Any: hashlib names no type for its objects
        self._digest: Any = hashlib.sha256()

    def run(self) -> str:
        """Fetch what is missing; the SHA-256 of the whole. Raises FetchRefused, StorageError or Stopped."""
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            self._take_up()
        failures = 0
        while True:
            before = self._received
            try:
                self._attempt()
                return self._digest.hexdigest()
            except FetchRefused as error:
                failures = failures + 1 if self._received <= before else 0
                if error.cause not in ("truncated", "no connection") or failures >= TRIES_WITHOUT_PROGRESS:
                    raise
            self._pause(self._stop, SHORTEST_PAUSE_S * 2**failures)
            if self._stop.is_set():
                raise Stopped

    def _take_up(self) -> None:
        """Hash what lies there from an earlier time."""
        with self._path.open("rb") as file:
            while piece := file.read(1 << 20):
                self._digest.update(piece)
                self._received += len(piece)
                if self._stop.is_set():
                    raise Stopped

    def _begin_again(self) -> None:
        with storage_errors(self._path):
            os.truncate(self._path, 0)
        self._digest, self._received = hashlib.sha256(), 0

    def _attempt(self) -> None:
        headers: dict[str, str] = {}
        if self._received and not (self._etag or self._source.sha256):
            # Nothing would tell if the rest were that of another file.
            self._begin_again()
        if self._received:
            headers["Range"] = f"bytes={self._received}-"
            if self._etag:
                headers["If-Range"] = self._etag
        try:
            with self._web.open(self._source.url, headers, self._stop) as response:
                self._read(response)
        except PartRefused as refused:
            if refused.whole_size == self._received > 0:
                # All of it had come when the server was stopped.
                self._told(TransferProgress(self._received, self._received), self._etag)
                return
            self._begin_again()
            with self._web.open(self._source.url, {}, self._stop) as response:
                self._read(response)

    def _read(self, response: httpx.Response) -> None:
        refuse_no_file(response, self._web.name_of(self._source.url))
        size = self._whole_size(response)
        require_space(self._path.parent, (size or 0) - self._received, self._source.name)
        self._etag = version_of(response)
        self._told(TransferProgress(self._received, size), self._etag)
        with storage_errors(self._path), self._path.open("r+b") as file:
            file.seek(self._received)
            unsynced = 0
            for piece in response.iter_raw():
                if self._stop.is_set():
                    raise Stopped
                if self._received == 0:
                    refuse_beginning(piece, self._web.name_of(self._source.url))
                file.write(piece)
                file.flush()
                self._digest.update(piece)
                self._received += len(piece)
                unsynced += len(piece)
                if unsynced >= SYNC_BYTES:
                    os.fsync(file.fileno())
                    unsynced = 0
                    require_space(self._path.parent, (size or 0) - self._received, self._source.name)
                self._refuse_endless(size)
                self._told(TransferProgress(self._received, size), self._etag)
            os.fsync(file.fileno())
        self._check_size(size)

    def _whole_size(self, response: httpx.Response) -> int | None:
        """Bytes of the whole file; begins again if the answer is not the part that was asked for."""
        length = response.headers.get("content-length", "")
        if response.status_code == 206:
            found = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
            if found is None or int(found[1]) != self._received:
                raise PartRefused("The site sent another part of the file than asked. Begin again.")
            return int(found[2]) if found[2].isdigit() else None
        if self._received:
            self._begin_again()
        return int(length) if length.isdigit() else None

    def _refuse_endless(self, size: int | None) -> None:
        """Raise if an answer that does not tell its length is much longer than the file is said to be."""
        said = self._source.size
        if size is None and said is not None and self._received > said + said // 100 + MARGIN_BYTES:
            self._begin_again()
            raise FetchRefused(
                "unexpected",
                f"{self._web.name_of(self._source.url)} sends more than the {size_text(said)} that were "
                "announced, without an end. Try again later.",
            )

    def _check_size(self, size: int | None) -> None:
        if size is not None and self._received < size:
            missing = size_text(size - self._received)
            raise FetchRefused("truncated", f"The download broke off: {missing} are missing. Try again.")
        if size is not None and self._received > size:
            self._begin_again()
            raise FetchRefused("truncated", "More came than the file has. Try again.")


def version_of(response: httpx.Response) -> str | None:
    """What tells this version of a file from others, for If-Range."""
    etag = response.headers.get("etag")
    # A weak one does not promise equal bytes.
    return etag if etag and not etag.startswith("W/") else response.headers.get("last-modified")


def refuse_no_file(response: httpx.Response, name: str) -> None:
    """Raise if the type of an answer is that of a page or a message, or if it comes packed."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        raise FetchRefused(
            "unexpected", f"{name} sends the file packed, though it was asked not to. Try again later."
        )
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in NO_FILE_TYPES:
        return
    if is_html(response):
        raise login_page(name)
    told = error_text(response)
    if "unauthorized" in told.lower():
        raise FetchRefused(
            "key needed",
            f"{name} gives this only to people with an account. Make an API key there and enter it here.",
        )
    raise FetchRefused(
        "unexpected", f"{name} sent a message in place of the file{': ' + told if told else ''}."
    )


def refuse_beginning(piece: bytes, name: str) -> None:
    """Raise if the first bytes are those of a page, whatever type it said it was."""
    start = piece[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(NO_FILE):
        raise login_page(name)


def login_page(name: str) -> FetchRefused:
    """A page for people came in place of a file."""
    return FetchRefused(
        "login page",
        f"{name} sent a page in place of the file; it probably wants a login. "
        "Enter your API key, or a new one.",
    )
