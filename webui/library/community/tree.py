"""The files of an extension: that none leads out of its folder, and a hash of all that can run."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from webui.core.errors import UnusableFile
from webui.library.community.git import FetchLimits, too_large

# What Python, a browser or the system runs. Pictures, texts and lists change while an extension is used.
CODE_SUFFIXES = frozenset(
    (
        *(".py", ".pyw", ".pyc", ".pyd", ".pyx", ".so", ".dll", ".dylib", ".exe", ".wasm", ".jar", ".node"),
        *(".js", ".mjs", ".cjs", ".ts", ".vue", ".css", ".html", ".htm", ".svg"),
        *(".sh", ".bash", ".bat", ".cmd", ".ps1", ".ipynb"),
    )
)
CODE_NAMES = frozenset({"metadata.ini", "setup.cfg", "pyproject.toml", ".gitmodules", "package.json"})
# git's own store, and what Python makes of the files that are looked at here.
PASSED_OVER = frozenset({".git", "__pycache__"})


def is_code(path: PurePosixPath | Path) -> bool:
    """Whether a file of an extension can run, or says what is installed."""
    name = path.name.lower()
    is_list = name.startswith("requirements") and name.endswith(".txt")
    return is_list or name in CODE_NAMES or path.suffix.lower() in CODE_SUFFIXES


def files_of(folder: Path) -> Iterator[Path]:
    """All files and links below a folder, but for git's and Python's own. Links are not followed."""
    for place, folders, names in os.walk(folder):
        here = Path(place)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in PASSED_OVER and name not in linked)
        for name in sorted([*names, *linked]):
            if name != ".git":
                yield here / name


def tree_hash(folder: Path) -> str:
    """A hash of the code in a folder: another one as soon as a file that can run changes, comes or goes."""
    entries: list[tuple[str, str]] = []
    for path in files_of(folder):
        relative = path.relative_to(folder)
        if path.is_symlink():
            entries.append((relative.as_posix(), f"link {path.readlink()}"))
        elif is_code(relative):
            entries.append((relative.as_posix(), hash_file(path)))
    digest = hashlib.sha256()
    for name, content in sorted(entries):
        # Lengths before the texts, so that no name can be taken for a name and a content.
        for text in (name, content):
            data = text.encode(errors="surrogateescape")
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file. A pipe or a device is not opened."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return "no file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_checkout(folder: Path, limits: FetchLimits) -> None:
    """Raise UnusableFile for a checkout with links that lead out of it, or with too much in it."""
    total, count, home = 0, 0, folder.resolve()
    for path in files_of(folder):
        mode = path.lstat()
        count, total = count + 1, total + mode.st_size
        shown = path.relative_to(folder).as_posix()[:120]
        if stat.S_ISLNK(mode.st_mode):
            check_link(path, home, shown)
        elif not stat.S_ISREG(mode.st_mode):
            raise UnusableFile(f"{shown!r} in the repository is no file. It was not installed.")
    if count > limits.files:
        raise UnusableFile(f"The repository has more than {limits.files:,} files. It was not installed.")
    if total > limits.size_bytes:
        raise UnusableFile(too_large(limits.size_bytes))


def check_link(path: Path, home: Path, shown: str) -> None:
    """Raise UnusableFile for a link to anything outside a folder, or to git's own store."""
    target = path.readlink()
    try:
        place = path.resolve()
    except (OSError, RuntimeError):
        place = Path("/")
    if target.is_absolute() or not place.is_relative_to(home) or ".git" in place.relative_to(home).parts:
        raise UnusableFile(
            f"{shown!r} in the repository is a link that leads out of it. It was not installed."
        )


def drop_compiled(folder: Path) -> None:
    """Delete what looks as if Python had compiled it: nobody reads that, and it would run."""
    for place, folders, _ in os.walk(folder):
        for name in [name for name in folders if name == "__pycache__"]:
            shutil.rmtree(Path(place) / name, ignore_errors=True)
            folders.remove(name)
