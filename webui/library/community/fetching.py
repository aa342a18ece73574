"""A checkout of a repository in a folder of staging, and what a remote says of its branches."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from webui.core.errors import InvalidRequest
from webui.library.community.git import Git, GitFailed, ask_whole_commit
from webui.library.community.repository import WHOLE_COMMIT, RepositoryAddress

HEAD_LINE = re.compile(r"^ref: refs/heads/(\S+)\tHEAD$", re.MULTILINE)
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Checkout:
    """What was checked out: the commit, its branch ("" for none), its subject, its time, its files."""

    commit: str
    branch: str
    subject: str
    committed: str
    files: list[str]


@dataclass(frozen=True, slots=True)
class RemoteHead:
    """The newest commit of a branch of a remote."""

    branch: str
    commit: str


def ask_head(
    git: Git, repository: RepositoryAddress, folder: Path, stop: threading.Event | None = None
) -> RemoteHead:
    """The newest commit of the branch that is meant. Raises GitFailed or InvalidRequest."""
    wanted = f"refs/heads/{repository.branch}" if repository.branch else "HEAD"
    said = git.run(
        ["ls-remote", "--symref", "--", repository.url, wanted],
        folder,
        stop=stop,
        is_loopback=repository.is_loopback,
        limit_s=git.limits.asking_s,
    )
    pairs = [line.partition("\t") for line in said.splitlines() if not line.startswith("ref:")]
    commits = {name: commit for commit, _, name in pairs}
    commit = commits.get(wanted, "")
    if not WHOLE_COMMIT.fullmatch(commit):
        what = f"no branch {repository.branch!r}" if repository.branch else "no commits"
        raise InvalidRequest(f"The repository has {what}. Look at its page, or leave the field empty.")
    found = HEAD_LINE.search(said)
    return RemoteHead(repository.branch or (found[1] if found else ""), commit)


def fetch_checkout(
    git: Git, repository: RepositoryAddress, folder: Path, stop: threading.Event, tell: Tell
) -> Checkout:
    """Check a repository out into an empty folder. Raises GitFailed, InvalidRequest, or FetchCancelled."""
    work = GitWork(git, repository, folder, stop, tell)
    work.run("init", "--quiet", "--template=", "--initial-branch=main")
    work.run("remote", "add", "--", "origin", repository.url)
    head = None if repository.commit else ask_head(git, repository, folder, stop)
    if head is not None:
        work.fetch(f"refs/heads/{head.branch}" if head.branch else "HEAD")
        commit, branch = ask_whole_commit(git, folder, "FETCH_HEAD"), head.branch
    else:
        commit, branch = work.fetch_commit(repository.commit or ""), repository.branch or ""
    tell("Checking out the files")
    if branch:
        # So that it reads as a checkout of a branch for programs that look into .git.
        work.run("update-ref", f"refs/heads/{branch}", commit)
        work.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        work.run("reset", "--hard", "--quiet", "--no-recurse-submodules", commit)
    else:
        work.run("checkout", "--quiet", "--detach", "--no-recurse-submodules", commit)
    return work.describe(commit, branch)


@dataclass(frozen=True, slots=True)
class GitWork:
    """Commands of git in one checkout."""

    git: Git
    repository: RepositoryAddress
    folder: Path
    stop: threading.Event
    tell: Tell

    def run(self, *arguments: str) -> str:
        """What git writes."""
        return self.git.run(
            arguments, self.folder, stop=self.stop, tell=self.tell, is_loopback=self.repository.is_loopback
        )

    def fetch(self, *wanted: str) -> None:
        """Fetch references: their last commit alone where the host can give that."""
        common = ("fetch", "--no-tags", "--no-recurse-submodules", "--progress")
        try:
            self.run(*common, "--depth=1", "--", "origin", *wanted)
        except GitFailed as error:
            if "shallow" not in str(error).lower():
                raise
            # Hosts that only serve files (dumb http) have no shallow fetch.
            self.run(*common, "--", "origin", *wanted)

    def fetch_commit(self, commit: str) -> str:
        """Fetch one commit; its whole name. Raises InvalidRequest if the repository has none of it."""
        if WHOLE_COMMIT.fullmatch(commit):
            try:
                self.fetch(commit)
                return ask_whole_commit(self.git, self.folder, commit)
            except (GitFailed, InvalidRequest):
                self.tell("The host gives no single commit: all of them are fetched")
        self.run(
            *("fetch", "--no-tags", "--no-recurse-submodules", "--progress", "--", "origin"),
            *("+refs/heads/*:refs/remotes/origin/*",),
        )
        return ask_whole_commit(self.git, self.folder, commit)

    def describe(self, commit: str, branch: str) -> Checkout:
        """What is checked out now."""
        committed, _, subject = self.run("log", "-1", "--format=%cI%n%s", commit).strip().partition("\n")
        files = [name for name in self.run("ls-files", "-z").split("\0") if name]
        plain = "".join(letter if letter.isprintable() else " " for letter in subject)
        return Checkout(commit, branch, plain[:200], committed, files)


def newest_of(repository: RepositoryAddress) -> RepositoryAddress:
    """The same branch of a repository, whatever commit was meant."""
    return replace(repository, commit=None)
