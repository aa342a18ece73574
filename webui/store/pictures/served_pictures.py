"""Which files the server may give out: single pictures that this program wrote, never a folder."""

import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from webui.core.errors import NotFound
from webui.store.pictures.history import History

NOT_SERVED = (
    "This file is neither a picture that was made here nor one that you uploaded, or it is gone. "
    "Generate the picture again, or upload the file."
)
ANY_FILE = "application/octet-stream"
# How files of each kind begin. What begins otherwise is never shown in a browser, whatever it is called.
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
HEAD_BYTES = 32
CHUNK_BYTES = 2**20
# A FIFO or a device would hold whoever opens it; a link may lead to a file that nobody wrote here.
# Windows has neither flag, and no such files.
OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class ServedFile:
    """An open file; whoever gets it closes `file`. `media_type` is what its bytes say that it is."""

    file: BinaryIO
    name: str
    size: int
    modified_ns: int
    media_type: str

    @property
    def is_picture(self) -> bool:
        """Whether a browser may show it; else it may only be downloaded."""
        return self.media_type != ANY_FILE

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that it is given out with: shown only if it is a picture, and never as a page."""
        disposition = "inline" if self.is_picture else "attachment"
        return {
            "Content-Type": self.media_type,
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(self.name, errors='replace')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            # Asked for again each time, as a file may be replaced; the tag is another one then.
            "Cache-Control": "private, no-cache",
            "ETag": f'"{self.modified_ns:x}-{self.size:x}"',
        }

    def chunks(self) -> Iterator[bytes]:
        """The bytes; closes the file at the end."""
        with self.file as file:
            left = self.size
            # No more than the length that was told, should the file grow meanwhile.
            while left and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


class ServedPictures:
    """The pictures written since the start, and those of the history; any thread."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._written: set[str] = set()
        self._lock = threading.Lock()

    def add(self, path: Path) -> None:
        """Note a file that was written just now: a picture, or what goes with it for download."""
        with self._lock:
            self._written.add(str(path))

    def may_serve(self, path: str | Path) -> Path | None:
        """The file, if this program wrote it and it is still a regular file; else None.

        What was not written here is not even looked for on the disk: a path could name a device, or a share
        of another machine.
        """
        if not self._is_known(str(path)):
            return None
        found = Path(path)
        return found if is_regular_file(found) else None

    def find(self, path: str | Path) -> Path:
        """The same. Raises NotFound."""
        found = self.may_serve(path)
        if found is None:
            raise NotFound(NOT_SERVED)
        return found

    def _is_known(self, path: str) -> bool:
        with self._lock:
            if path in self._written:
                return True
        # The history knows a file however it is spelled; here one spelling names it.
        plain = Path(path)
        if "\0" in path or not plain.is_absolute() or str(plain) != path:
            return False
        try:
            return self._history.knows(plain)
        except UnicodeEncodeError:
            return False


def is_regular_file(path: Path) -> bool:
    """Whether there is a file that is no link, device, FIFO or folder."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def open_served(path: Path) -> ServedFile:
    """Open a file that may be served. Raises NotFound unless it is a regular one.

    Whether it may be served is for `ServedPictures` to say.
    """
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except (OSError, ValueError) as error:
        raise NotFound(NOT_SERVED) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotFound(NOT_SERVED)
        media_type = media_type_of(os.read(descriptor, HEAD_BYTES))
        os.lseek(descriptor, 0, os.SEEK_SET)
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    return ServedFile(file, path.name, status.st_size, status.st_mtime_ns, media_type)


def media_type_of(head: bytes) -> str:
    """The type of a picture by its first bytes; ANY_FILE for everything else, HTML and SVG among it."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return next((kind for signature, kind in SIGNATURES if head.startswith(signature)), ANY_FILE)
