"""git as a program: without this machine's configuration, hooks and logins, and with limits."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webui.core.errors import InvalidRequest, NotOffered, WebuiError

# What git may see of this process's environment: where programs and certificates lie, the owner's proxies.
PASSED = (
    *(
        "PATH",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "TMPDIR",
        "PATHEXT",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GIT_SSL_CAINFO",
    ),
    *(
        "https_proxy",
        "HTTPS_PROXY",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ),
)
OPTIONS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.symlinks=true", "core.autocrlf=false"),
    *("core.protectHFS=true", "core.protectNTFS=true", "credential.helper=", "submodule.recurse=false"),
    *("fetch.recurseSubmodules=false", "http.followRedirects=initial", "gc.auto=0", "maintenance.auto=false"),
    *("protocol.allow=never", "advice.detachedHead=false", "commit.gpgSign=false", "log.showSignature=false"),
)
LOOK_S, ENDING_S = 0.1, 5.0
MOST_OUTPUT = 4_000_000
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")


class GitFailed(WebuiError):
    """git could not do what was asked; the text says why (API: 502)."""


class FetchCancelled(Exception):
    """Somebody does not want it any longer. Never shown."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much a repository may be: seconds for one command of git, bytes and files of the whole checkout."""

    seconds: float = 600
    size_bytes: int = 2 * 10**9
    files: int = 60_000
    # A remote that only has to say what its branches are.
    asking_s: float = 60


class Git:
    """Runs git. `home` is an empty folder, which stands for the user's."""

    def __init__(self, environment: Mapping[str, str], home: Path, limits: FetchLimits | None = None) -> None:
        self._environment = environment
        self._home = home
        self.limits = limits or FetchLimits()

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        stop: threading.Event | None = None,
        tell: Callable[[str], None] | None = None,
        is_loopback: bool = False,
        limit_s: float | None = None,
    ) -> str:
        """What git writes. Raises GitFailed, NotOffered without git, and FetchCancelled once `stop` is set.

        `tell` hears of the progress; the folder may not become larger than the limit.
        """
        program = shutil.which("git", path=self._environment.get("PATH"))
        if program is None:
            raise NotOffered(
                "git is not installed on this machine. Install it (apt install git), then try again."
            )
        options = [part for each in self._options(is_loopback) for part in ("-c", each)]
        process = subprocess.Popen(
            [program, *options, *arguments],
            cwd=folder,
            env=self._variables(is_loopback),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=sys.platform != "win32",
        )
        watch = RunningGit(process, tell or (lambda _: None))
        try:
            watch.wait(
                limit_s or self.limits.seconds, self.limits.size_bytes, folder, stop or threading.Event()
            )
        finally:
            watch.end()
        if process.returncode != 0:
            raise GitFailed(explain_git(watch.errors))
        return watch.output

    def _options(self, is_loopback: bool) -> tuple[str, ...]:
        return (*OPTIONS, f"protocol.{'http' if is_loopback else 'https'}.allow=always")

    def _variables(self, is_loopback: bool) -> dict[str, str]:
        passed = {name: self._environment[name] for name in PASSED if name in self._environment}
        if is_loopback:
            passed = {name: value for name, value in passed.items() if not name.lower().endswith("_proxy")}
        return passed | {
            "HOME": str(self._home),
            "XDG_CONFIG_HOME": str(self._home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": "http" if is_loopback else "https",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }


class RunningGit:
    """A git that runs: reads what it writes, and ends it when it takes too long or too much room."""

    def __init__(self, process: "subprocess.Popen[bytes]", tell: Callable[[str], None]) -> None:
        self._process = process
        self._tell = tell
        self._written: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        streams = {"out": process.stdout, "err": process.stderr}
        self._threads = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in streams.items()
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, name: str, stream: object) -> None:
        # A pipe of Popen's, read as it comes.
        descriptor = stream.fileno()  # type: ignore[attr-defined] # pyright: ignore
        while piece := os.read(descriptor, 65536):
            kept = self._written[name]
            # The end tells why it failed.
            kept += piece
            if name == "err":
                del kept[:-20_000]
                self._tell(last_line(piece.decode(errors="replace")))
            elif len(kept) > MOST_OUTPUT:
                del kept[MOST_OUTPUT:]

    def wait(self, limit_s: float, size_bytes: int, folder: Path, stop: threading.Event) -> None:
        """Until it ends. Raises GitFailed for one that takes too much, or FetchCancelled."""
        ends, next_look = time.monotonic() + limit_s, 0.0
        while True:
            try:
                self._process.wait(min(LOOK_S, max(ends - time.monotonic(), 0)))
                return
            except subprocess.TimeoutExpired:
                pass
            if stop.is_set():
                raise FetchCancelled
            now = time.monotonic()
            if now > ends:
                raise GitFailed(f"The repository did not arrive within {limit_s:g} s. Try again later.")
            if now > next_look:
                if size_of(folder) > size_bytes:
                    raise GitFailed(too_large(size_bytes))
                # Counting takes time itself, the more the longer the download lasts.
                next_look = time.monotonic() + max(1.0, 10 * (time.monotonic() - now))

    def end(self) -> None:
        """Nothing of it runs any more."""
        if self._process.poll() is None:
            end_process(self._process)
        for thread in self._threads:
            thread.join(ENDING_S)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    @property
    def output(self) -> str:
        """What it wrote."""
        return self._written["out"].decode(errors="replace")

    @property
    def errors(self) -> str:
        """What it complained of."""
        return self._written["err"].decode(errors="replace")


def end_process(process: "subprocess.Popen[bytes]") -> None:
    """End git and the programs that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
    process.wait(ENDING_S)


def size_of(folder: Path) -> int:
    """The bytes of a folder, links not followed; what vanishes meanwhile counts nothing."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - thousands of times
            except OSError:
                continue
    return total


def too_large(size_bytes: int) -> str:
    """The sentence on a repository of too many bytes."""
    most = f"{size_bytes / 10**6:,.0f} MB"
    return f"The repository has more than {most}, which no extension needs. It was not kept."


def last_line(text: str) -> str:
    """The last line of what git writes, without control characters."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    return UNPRINTABLE.sub(" ", lines[-1]).strip()[:200] if lines else ""


def explain_git(errors: str) -> str:
    """The sentence on what git complained of."""
    lower = errors.lower()
    if "remote branch" in lower or "couldn't find remote ref" in lower or "not our ref" in lower:
        return "The repository has no such branch or commit. Look at its page, or leave the field empty."
    if any(
        each in lower
        for each in ("could not read username", "authentication failed", "not found", " 403", " 401")
    ):
        return (
            "There is no such repository, or it is private. Check the address; private ones are not fetched."
        )
    if any(
        each in lower
        for each in ("could not resolve", "failed to connect", "connection refused", "timed out")
    ):
        return (
            "The host of the repository cannot be reached. Check the address and this machine's connection."
        )
    if "not allowed" in lower:
        return "The repository sends to an address that is not asked. Give the address that it really has."
    said = last_line(errors).removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
    return f"git could not fetch it: {said or 'it gave no reason'}. Try again later."


def ask_whole_commit(git: Git, folder: Path, commit: str) -> str:
    """The whole name of a commit that a repository has. Raises InvalidRequest."""
    try:
        return git.run(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"], folder
        ).strip()
    except GitFailed as error:
        raise InvalidRequest(
            f"The repository has no commit {commit}. Copy one from its page, or leave the field empty."
        ) from error
