"""What a folder's `.git` says, read as files: git itself would run what a stranger's folder asks for."""

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from webui.store.files.regular_files import read_regular

MOST_BYTES = 4_000_000
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
REMOTE = re.compile(r'\[remote "origin"\]\s*\n((?:[ \t].*\n?)*)')
REMOTE_URL = re.compile(r"^[ \t]*url[ \t]*=[ \t]*(\S+)", re.MULTILINE)
COMMITTER = re.compile(rb"\ncommitter [^\n]*> (\d{1,12}) [+-]\d{4}")


@dataclass(frozen=True, slots=True)
class CheckoutFacts:
    """Of a checkout: "" for what is not known."""

    url: str = ""
    branch: str = ""
    commit: str = ""
    committed: str = ""


def read_checkout(folder: Path) -> CheckoutFacts:
    """The facts of a folder; empty ones where it is no checkout."""
    store = folder / ".git"
    if store.is_symlink() or not store.is_dir():
        return CheckoutFacts()
    head = text_in(store / "HEAD").strip()
    branch = head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""
    commit = find_commit(store, head.removeprefix("ref: ")) if branch else head
    if not COMMIT.fullmatch(commit):
        commit = ""
    return CheckoutFacts(
        url=remote_of(text_in(store / "config")),
        branch=branch[:200],
        commit=commit,
        committed=time_of(store, commit) if commit else "",
    )


def find_commit(store: Path, reference: str) -> str:
    """The commit of a reference such as `refs/heads/main`; "" if it is not there."""
    if ".." in reference.split("/") or not reference.startswith("refs/"):
        return ""
    loose = text_in(store / reference).strip()
    if loose:
        return loose
    for line in text_in(store / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    return ""


def remote_of(config: str) -> str:
    """The address of the remote `origin`; a name and a password in it are left out."""
    section = REMOTE.search(config)
    found = REMOTE_URL.search(section[1]) if section else None
    return re.sub(r"://[^/@]*@", "://", found[1])[:500] if found else ""


def time_of(store: Path, commit: str) -> str:
    """When a commit was made, if its object lies there alone; "" if it is in a pack."""
    try:
        data = zlib.decompressobj().decompress(
            read_regular(store / "objects" / commit[:2] / commit[2:], MOST_BYTES), 100_000
        )
    except (OSError, zlib.error):
        return ""
    found = COMMITTER.search(data)
    try:
        return datetime.fromtimestamp(int(found[1]), UTC).isoformat() if found else ""
    except (OverflowError, OSError, ValueError):
        return ""


def text_in(path: Path) -> str:
    """A small text file; "" if there is none."""
    try:
        return read_regular(path, MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""
