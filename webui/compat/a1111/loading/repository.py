"""Where an extension comes from, read from its `.git` without git."""

import configparser
import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Repository:
    """`branch` is None where a commit is checked out by itself; `commit_date` is in seconds since 1970."""

    remote: str | None
    branch: str | None
    commit: str
    commit_date: int


def read_repository(folder: Path) -> Repository | None:
    """The repository that a folder is; None for a folder without one, or with one that cannot be read."""
    git = folder / ".git"
    try:
        if git.is_file():
            # A worktree or submodule: the file names the place.
            git = (folder / git.read_text("utf-8").removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text("utf-8").strip()
        reference = head.removeprefix("ref:").strip() if head.startswith("ref:") else None
        commit = read_reference(git, reference) if reference else head
        branch = reference.removeprefix("refs/heads/") if reference else None
        return Repository(read_remote(git), branch, commit, read_date(git, commit))
    except (OSError, ValueError):
        return None


def read_reference(git: Path, reference: str) -> str:
    """The commit of a branch. Raises ValueError if there is none."""
    loose = git / reference
    if loose.is_file():
        return loose.read_text("utf-8").strip()
    for line in (git / "packed-refs").read_text("utf-8").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    raise ValueError(f"The branch {reference} has no commit.")


def read_remote(git: Path) -> str | None:
    """The address of `origin`."""
    config = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        config.read(git / "config", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None
    return config.get('remote "origin"', "url", fallback=None)


def read_date(git: Path, commit: str) -> int:
    """When a commit was made; of a packed commit, when its branch was last moved here."""
    try:
        text = zlib.decompress((git / "objects" / commit[:2] / commit[2:]).read_bytes()).decode(
            "utf-8", "replace"
        )
        line = next(line for line in text.splitlines() if line.startswith("committer "))
        return int(line.split()[-2])
    except (OSError, ValueError, zlib.error, StopIteration, IndexError):
        return int((git / "HEAD").stat().st_mtime)
