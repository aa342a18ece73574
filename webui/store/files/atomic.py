"""Files that are either whole or not there."""

import contextlib
import errno
import itertools
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from webui.core.errors import StorageError

NOT_PERMITTED = (
    "this user may not write there. Change its permissions or choose another folder in the settings"
)
FILE_IN_THE_WAY = "a file stands where a folder is needed. Move it or choose another folder in the settings"
# The usual reasons why a file cannot be written, in words; others keep the system's own.
REASONS = {
    errno.ENOSPC: "the disk is full. Free some space and try again",
    errno.EDQUOT: "the disk quota is used up. Free some space and try again",
    errno.EACCES: NOT_PERMITTED,
    errno.EPERM: NOT_PERMITTED,
    errno.EROFS: "the disk is read-only. Choose another folder in the settings",
    errno.ENAMETOOLONG: "the name is too long. Shorten the file name pattern in the settings",
    errno.ENOTDIR: FILE_IN_THE_WAY,
    errno.EEXIST: FILE_IN_THE_WAY,
    errno.EISDIR: "a folder of that name is in the way. Rename it",
}


@contextlib.contextmanager
def storage_errors(path: Path) -> Generator[None, None, None]:
    """Turns the system's refusals to write `path` into a StorageError."""
    try:
        yield
    except OSError as error:
        reason = REASONS.get(error.errno or 0) or (error.strerror or str(error)).rstrip(".").lower()
        raise StorageError(f"Cannot write {path}: {reason}.") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Make or replace a file, its folder included; readers see the old content or the new, never a part."""
    with storage_errors(path), write_beside(path, data) as temporary:
        temporary.replace(path)


def write_new(path: Path, data: bytes) -> Path:
    """Make a file, as `name-1`, `name-2`, … where others have its name; the path that it got."""
    with storage_errors(path), write_beside(path, data) as temporary:
        target = path
        for number in itertools.count(1):
            if move_exclusively(temporary, target):
                break
            target = path.with_name(f"{path.stem}-{number}{path.suffix}")
        return target


@contextlib.contextmanager
def write_beside(path: Path, data: bytes) -> Generator[Path, None, None]:
    """A finished temporary file in the folder of `path`, gone after the block if it was not moved away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write_through(file.fileno(), data)
        temporary.chmod(usual_mode(path))
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_through(descriptor: int, data: bytes) -> None:
    """Write all of `data` and wait until it lies on the disk."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def usual_mode(path: Path) -> int:
    """The permissions of the file to be replaced, else those a new file gets here (mkstemp's are private)."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        # The umask can only be read by setting it, which other threads would see; the folder tells as much.
        return path.parent.stat().st_mode & 0o666


def move_exclusively(source: Path, target: Path) -> bool:
    """Rename a file unless the target exists; False if it does. Never replaces anything."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return False
    except OSError:
        # File systems without hard links (FAT, some network shares): hold the name with an empty file first.
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            return False
        source.replace(target)
        return True
    source.unlink()
    return True
