"""Files of folders that belong to others, where anything may lie: pipes, devices, links in circles.

To open a pipe waits for ever, and to read a device never ends; so nothing is opened that is no regular file.
What vanishes meanwhile, or may not be looked at, is passed over.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Deeper nesting is a mistake, such as a whole disk linked into a folder.
MAX_DEPTH = 64


def is_regular(path: Path) -> bool:
    """Whether there is a regular file, or a link to one. Never raises and never waits."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for long names and closed folders


def is_there(path: Path) -> bool:
    """Whether anything has this name, a broken link too. Never raises."""
    return os.path.lexists(path)


def is_folder(path: Path) -> bool:
    """Whether there is a folder, or a link to one. Never raises."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def is_regular_entry(entry: "os.DirEntry[str]") -> bool:
    """The same of an entry of a folder, mostly without asking the system again."""
    with contextlib.suppress(OSError):
        return entry.is_file()
    return False


def is_folder_entry(entry: "os.DirEntry[str]", *, follow_links: bool = True) -> bool:
    """Whether an entry is a folder, or a link to one where links are followed."""
    with contextlib.suppress(OSError):
        return entry.is_dir(follow_symlinks=follow_links)
    return False


def entries_of(folder: Path | str) -> "list[os.DirEntry[str]]":
    """What lies in a folder, by name; nothing where there is none or it may not be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []


def regular_files(folder: Path) -> list[Path]:
    """The regular files of a folder by name, hidden ones left out."""
    return [
        Path(entry.path)
        for entry in entries_of(folder)
        if not entry.name.startswith(".") and is_regular_entry(entry)
    ]


def folders_below(folder: Path, depth: int = MAX_DEPTH, *, newest_first: bool = False) -> Iterator[Path]:
    """A folder and those below it, but for hidden ones and links; `newest_first` sorts names downwards."""
    yield folder
    inner = [entry for entry in entries_of(folder) if not entry.name.startswith(".")] if depth else []
    for entry in reversed(inner) if newest_first else inner:
        if is_folder_entry(entry, follow_links=False):
            yield from folders_below(Path(entry.path), depth - 1, newest_first=newest_first)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading. Raises OSError for what is none, even if it was one a moment ago."""
    # Without O_NONBLOCK the opening of a pipe waits for somebody who writes.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is no regular file")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file. Raises OSError for what is no file, or has more than `most` bytes."""
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{path.name} has more than {most:,} bytes")
    return data
