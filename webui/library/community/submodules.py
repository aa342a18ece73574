"""Repositories within a repository (submodules), fetched by the rules of the one that they are in."""

import logging
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin

from webui.core.errors import InvalidRequest
from webui.library.community.fetching import Checkout, Tell, fetch_checkout
from webui.library.community.git import Git, GitFailed
from webui.library.community.repository import RepositoryAddress

logger = logging.getLogger(__name__)

LIST = ".gitmodules"
# So many in one repository, and so deep: more are left out.
MOST, DEEPEST = 8, 2
ENTRY = "160000 commit "


@dataclass(frozen=True, slots=True)
class Submodule:
    """A repository and its folder in another, at the commit that the other names."""

    path: PurePosixPath
    repository: RepositoryAddress


def fetch_with_submodules(
    git: Git,
    repository: RepositoryAddress,
    folder: Path,
    stop: threading.Event,
    tell: Tell,
    depth: int = 0,
) -> Checkout:
    """Check a repository out into an empty folder, and what it wants within it.

    One that cannot be had is left out and told of. Raises GitFailed, InvalidRequest, or FetchCancelled.
    """
    checkout = fetch_checkout(git, repository, folder, stop, tell)
    files = list(checkout.files)
    for each in list_submodules(git, repository, folder) if depth < DEEPEST else ():
        tell(f"Fetching {each.repository.url} into {each.path}")
        try:
            inner = fetch_with_submodules(
                git, each.repository, folder / each.path, stop, tell, depth=depth + 1
            )
        except (GitFailed, InvalidRequest) as error:
            logger.warning("%s of %s was left out: %s", each.path, repository.url, error)
            tell(f"{each.path} was left out: {error}")
            # What git had begun there is no repository.
            shutil.rmtree(folder / each.path, ignore_errors=True)
            (folder / each.path).mkdir()
            continue
        files += [str(each.path / name) for name in inner.files]
    return replace(checkout, files=files)


def list_submodules(git: Git, repository: RepositoryAddress, folder: Path) -> list[Submodule]:
    """What a checkout wants within it: what lies elsewhere than on the web is left out."""
    listed = folder / LIST
    if listed.is_symlink() or not listed.is_file():
        return []
    return list(read_submodules(git, repository, folder))[:MOST]


def read_submodules(git: Git, repository: RepositoryAddress, folder: Path) -> Iterator[Submodule]:
    """All of them that may be fetched."""
    wanted = (
        "config",
        "--file",
        LIST,
        "--no-includes",
        "--null",
        "--get-regexp",
        r"^submodule\..*\.(path|url)$",
    )
    try:
        said = git.run(wanted, folder, is_loopback=repository.is_loopback)
    except GitFailed:
        # Nothing is listed, or it cannot be read.
        return
    found: dict[str, dict[str, str]] = {}
    for line in said.split("\0"):
        key, _, value = line.partition("\n")
        name, _, what = key.rpartition(".")
        found.setdefault(name, {})[what] = value
    for each in found.values():
        path, url = PurePosixPath(each.get("path", "")), each.get("url", "")
        if not is_free(folder, path) or not (commit := find_entry(git, repository, folder, path)):
            continue
        try:
            inner = RepositoryAddress.read(resolve_url(repository.url, url), commit=commit)
        except InvalidRequest as error:
            logger.warning("%s of %s was left out: %s", path, repository.url, error)
            continue
        # A stranger's list may not send to this machine.
        if repository.is_loopback or not inner.is_loopback:
            yield Submodule(path, inner)


def find_entry(git: Git, repository: RepositoryAddress, folder: Path, path: PurePosixPath) -> str:
    """The commit that a checkout names for one of its folders; "" if it names none."""
    said = git.run(
        ("ls-tree", "-z", "HEAD", "--", f":(literal){path}"), folder, is_loopback=repository.is_loopback
    )
    entry, _, name = said.split("\0")[0].partition("\t")
    return entry.removeprefix(ENTRY) if entry.startswith(ENTRY) and name == str(path) else ""


def is_free(folder: Path, path: PurePosixPath) -> bool:
    """Whether a folder in a checkout is there, empty, and in that checkout."""
    if path.is_absolute() or ".." in path.parts:
        return False
    place = folder / path
    is_within = place.is_dir() and place.resolve() == folder.resolve() / path
    return is_within and place != folder and not any(place.iterdir())


def resolve_url(outer: str, url: str) -> str:
    """The address of a submodule, which may be written from that of the repository that it is in."""
    return urljoin(f"{outer}/", url) if url.startswith(("./", "../")) else url
