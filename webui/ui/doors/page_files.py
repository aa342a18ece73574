"""Which files a browser may name in an event or load: its own uploads and the pictures that we wrote."""

import contextlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from webui.core.errors import InvalidRequest, NotFound
from webui.store.files.safe_names import safe_name
from webui.store.pictures.served_pictures import NOT_SERVED, ServedPictures, is_regular_file
from webui.ui.doors.browsers import browser_in

# Gradio's mark of a file among the values of components.
FILE_MARK = {"_type": "gradio.FileData"}
# What Gradio says of a file. A dictionary of these alone with an address is meant as one, marked or not.
FILE_KEYS = frozenset({"path", "url", "size", "orig_name", "mime_type", "is_stream", "meta"})
# Values of components are far less deep; deeper ones would only exhaust the stack.
MOST_LEVELS = 50
TOO_DEEP = f"The value has more than {MOST_LEVELS} levels of lists and dictionaries. Reload the page."
# From a path that a browser names to the file, if the browser may name it.
FindFile = Callable[[str], Path | None]


class PageFiles:
    """One for the page; any thread. `uploads` is where Gradio puts what a browser uploads."""

    def __init__(self, pictures: ServedPictures, uploads: Path) -> None:
        self._pictures = pictures
        self.uploads = uploads
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self._public: set[str] = set()
        self._lock = threading.Lock()

    def note(self, browser: str, paths: Iterable[str]) -> None:
        """Note what a browser uploaded, and those copies of files that Gradio made to show them to it."""
        copies = [path for path in paths if Path(path).is_relative_to(self.uploads)]
        if copies:
            with self._lock:
                self._known[browser].update(copies)

    def publish(self, paths: Iterable[str]) -> None:
        """Note files that belong to the page itself, for every browser."""
        with self._lock:
            self._public.update(paths)

    def may_use(self, browser: str, path: str) -> Path | None:
        """The file at a path, if this browser may have it; else None.

        Only what is known by exactly this path is looked for on the disk.
        """
        with self._lock:
            is_known = path in self._public or path in self._known.get(browser, ())
        if is_known:
            return self._use(Path(path)) if self._is_upload(Path(path)) else None
        return self._pictures.may_serve(path)

    def may_use_from(self, cookies: Mapping[str, str], path: str) -> Path | None:
        """The same, for the browser that sends these cookies."""
        return self.may_use(browser_in(cookies), path)

    def public_paths(self) -> set[str]:
        """Files that belong to the page itself."""
        with self._lock:
            return set(self._public)

    def known_paths(self) -> set[str]:
        """What browsers uploaded, and copies that Gradio made to show them."""
        with self._lock:
            return set().union(*self._known.values())

    def forget(self, paths: set[str]) -> None:
        """Files that are there no more."""
        with self._lock:
            for browser in list(self._known):
                self._known[browser] -= paths
                if not self._known[browser]:
                    del self._known[browser]

    def _use(self, path: Path) -> Path:
        """The same path, noted on the disk to be in use: such files are not swept away."""
        with contextlib.suppress(OSError):
            # Not the time of the last change: browsers know what they have by that.
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        return path

    def _is_upload(self, path: Path) -> bool:
        folder = os.path.realpath(self.uploads)
        return is_regular_file(path) and Path(os.path.realpath(path)).is_relative_to(folder)


def take_files(value: object, find: FindFile, level: int = 0) -> Any:  # noqa: ANN401 - JSON, whatever its shape
    """A value from a browser with each file in it, however deep, as the server knows it.

    Raises NotFound for a file that `find` does not know, and InvalidRequest for values of too many levels.
    """
    if level > MOST_LEVELS:
        raise InvalidRequest(TOO_DEEP)
    if isinstance(value, Mapping):
        known = cast(Mapping[str, Any], value)
        if is_file(known):
            return take_file(known, find)
        return {key: take_files(inner, find, level + 1) for key, inner in known.items()}
    if isinstance(value, list | tuple):
        return [take_files(inner, find, level + 1) for inner in cast(Iterable[Any], value)]
    return value


def is_file(value: Mapping[str, Any]) -> bool:
    """Whether a dictionary names a file, or could be taken for one by a component or a handler."""
    meta = value.get("meta")
    is_marked = isinstance(meta, Mapping) and cast(Mapping[str, Any], meta).get("_type") == FILE_MARK["_type"]
    has_address = bool(value.get("url")) and FILE_KEYS.issuperset(value)
    return value.get("path") is not None or is_marked or has_address


def take_file(value: Mapping[str, Any], find: FindFile) -> dict[str, Any]:
    """A file as the server knows it. Of what the browser says, only its name and kind are kept.

    An address least of all: Gradio would load it from wherever it leads.
    """
    path = value.get("path")
    found = find(path) if isinstance(path, str) else None
    if found is None:
        raise NotFound(NOT_SERVED)
    name, mime_type = value.get("orig_name"), value.get("mime_type")
    return {
        "path": str(found),
        "url": None,
        "size": None,
        "orig_name": safe_name(name) if isinstance(name, str) and name else found.name,
        "mime_type": mime_type if isinstance(mime_type, str) else None,
        "is_stream": False,
        "meta": dict(FILE_MARK),
    }


def hide_paths(value: object, folder: Path) -> Any:  # noqa: ANN401 - JSON, whatever its shape
    """A value whose files were checked, without the paths of those that lie outside a folder."""
    if isinstance(value, Mapping):
        known = cast(Mapping[str, Any], value)
        if is_file(known):
            return {**known, "path": None} if not Path(known["path"]).is_relative_to(folder) else known
        return {key: hide_paths(inner, folder) for key, inner in known.items()}
    if isinstance(value, list):
        return [hide_paths(inner, folder) for inner in cast(list[Any], value)]
    return value


def paths_in(value: object) -> Iterator[str]:
    """The paths of all files in a value that the server made."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, Mapping):
            known = cast(Mapping[str, Any], inner)
            if isinstance(path := known.get("path"), str):
                yield path
            waiting.extend(known.values())
        elif isinstance(inner, list | tuple):
            waiting.extend(cast(Iterable[Any], inner))
