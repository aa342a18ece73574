"""Running `install.py`, each in a process of its own, before any script is imported.

What it installs cannot change the packages of the program (`packages`). It is run once: again only when its
files or the environment have changed, or while it fails, up to three times. Packages that A1111 brings along
and an extension imports are installed before, in the same way.
"""

import contextlib
import hashlib
import importlib
import itertools
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from webui.compat.a1111.health import HealthRecords
from webui.compat.a1111.layout import HostLayout
from webui.compat.a1111.loading import packages, run_install
from webui.core.errors import StorageError
from webui.library.community.reading.brought_packages import leave_own, missing_packages, read_brought
from webui.library.community.tree import files_of
from webui.plugins.community import CommunityFolder
from webui.store.files.atomic import write_atomically
from webui.store.files.regular_files import read_regular

logger = logging.getLogger(__name__)
INSTALL = "install.py"
NOTES, CONSTRAINTS = "extension_installs.json", "extension_constraints.txt"
# Large packages come over slow lines.
INSTALL_LIMIT_S = 900.0
# So often the log says that it is still waited for.
REMIND_S = 20.0
MOST_TRIES = 3
# The end of what it printed, which tells what was wrong.
TOLD_CHARACTERS = 4000
# What Python says of an exception at last.
RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b: ?\S")
MOST_OF_REASON = 300
# A longer file of Python is not looked through.
MOST_BYTES = 3_000_000


class InstallFailed(RuntimeError):
    """An `install.py` failed, or did not end. The text is a sentence and the end of what it printed."""


class InstallNote(BaseModel):
    """Of one extension: what was run, and how often it failed; 0 is that it went well."""

    stamp: str = ""
    failures: int = 0


class InstallNotes(BaseModel):
    """The file, by the names of extensions: of each one's `install.py`, and of A1111's packages for it."""

    notes: dict[str, InstallNote] = {}
    packages: dict[str, InstallNote] = {}


@dataclass(slots=True)
class Installs:
    """Which `install.py` ran, in a data folder."""

    data: Path
    layout: HostLayout
    limit_s: float = INSTALL_LIMIT_S
    notes: InstallNotes = field(default_factory=InstallNotes)
    # What A1111 brings along and is not here, by modules.
    find_missing: Callable[[], Mapping[str, str]] = missing_packages

    def read(self) -> None:
        """Read what ran in earlier starts."""
        try:
            self.notes = InstallNotes.model_validate_json((self.data / NOTES).read_bytes())
        except (OSError, ValidationError):
            self.notes = InstallNotes()

    def run_all(self, folders: Sequence[CommunityFolder], health: HealthRecords) -> None:
        """Run those that are new or have changed; what goes wrong with one is noted in its health."""
        self.read()
        missing = self.find_missing()
        for each in folders:
            file = each.folder / INSTALL
            stamp = stamp_of_code(each.folder) if missing else ""
            if missing and self.is_due(each, stamp, self.notes.packages):
                with health.watch(file, "packages that A1111 brings along"):
                    if self.bring_packages(each, stamp, leave_own(missing, each.folder)):
                        missing = self.find_missing()
            if (
                not each.is_loose
                and file.is_file()
                and self.is_due(each, stamp_of(each.folder), self.notes.notes)
            ):
                with health.watch(file, INSTALL):
                    self.run_one(each)

    def bound(self, *, may_install: bool) -> dict[str, str]:
        """The variables under which extensions run: some install by themselves while they are imported.

        pip leaves the packages that the program needs as they are; without `may_install` it installs nothing.
        """
        constraints = self.keep_constraints(packages.find_protected())
        variables = packages.pip_environment(constraints, {})
        return variables if may_install else variables | packages.OFFLINE

    def keep_constraints(self, protected: packages.Protected) -> Path:
        """The file that keeps pip to these packages, written anew."""
        constraints = self.data / CONSTRAINTS
        write_atomically(constraints, protected.constraints_text().encode("utf-8"))
        return constraints

    def is_due(self, extension: CommunityFolder, stamp: str, notes: Mapping[str, InstallNote]) -> bool:
        """Whether something is to be run for an extension whose files have that stamp."""
        note = notes.get(extension.name)
        if note is None or note.stamp != stamp:
            return True
        if note.failures >= MOST_TRIES:
            logger.warning(
                "What installs for the extension %s failed %d times and is not run again until it changes",
                extension.name, note.failures,
            )  # fmt: skip
        return 0 < note.failures < MOST_TRIES

    def run_one(self, extension: CommunityFolder) -> None:
        """Run one's `install.py`. Raises InstallFailed."""
        logger.info("Running the %s of the extension %s", INSTALL, extension.name)
        command = [sys.executable, "-m", run_install.__name__, str(extension.folder / INSTALL)]
        self.install(command, extension.name, stamp_of(extension.folder), self.notes.notes)

    def bring_packages(self, extension: CommunityFolder, stamp: str, missing: Mapping[str, str]) -> bool:
        """Install what A1111 brings along and the code of an extension, of that stamp, imports.

        Whether there was anything. Raises InstallFailed.
        """
        wanted = sorted(find_brought(extension.folder, missing))
        if not wanted:
            self.note(extension.name, stamp, self.notes.packages, has_failed=False)
            return False
        logger.info("Installing for the extension %s what A1111 brings along: %s", extension.name, wanted)
        command = [sys.executable, "-m", "pip", "install", "--retries", "1", *wanted]
        self.install(command, extension.name, stamp, self.notes.packages)
        importlib.invalidate_caches()
        return True

    def install(
        self, command: Sequence[str], name: str, stamp: str, notes: MutableMapping[str, InstallNote]
    ) -> None:
        """Run a program that installs, for an extension, and note how it went. Raises InstallFailed."""
        protected = packages.find_protected()
        constraints = self.keep_constraints(protected)
        environment = self.layout.environment(packages.pip_environment(constraints, os.environ))
        try:
            run_in_process(command, name, self.layout.root, environment, self.limit_s)
            changes = protected.describe_changes()
            if changes:
                raise InstallFailed(
                    f"It changed packages that the program needs: {', '.join(changes)}. Put them back with "
                    "pip, or remove the program's environment, .venv, and run ./launch.sh."
                )
        except InstallFailed:
            self.note(name, stamp, notes, has_failed=True)
            raise
        self.note(name, stamp, notes, has_failed=False)

    def note(
        self, name: str, stamp: str, notes: MutableMapping[str, InstallNote], *, has_failed: bool
    ) -> None:
        """Keep what became of one."""
        before = notes.get(name, InstallNote())
        earlier = before.failures if before.stamp == stamp else 0
        notes[name] = InstallNote(stamp=stamp, failures=earlier + 1 if has_failed else 0)
        try:
            write_atomically(self.data / NOTES, self.notes.model_dump_json(indent=1).encode("utf-8"))
        except StorageError as error:
            logger.warning("%s", error)


def find_brought(folder: Path, missing: Mapping[str, str]) -> set[str]:
    """The missing packages that the Python files in a folder import."""
    found: set[str] = set()
    for file in files_of(folder):
        if file.suffix == ".py":
            # One that cannot be read fails when it is imported, and says so there.
            with contextlib.suppress(OSError):
                source = read_regular(file, MOST_BYTES).decode("utf-8-sig", "replace")
                found |= {each.name for each in read_brought(source, file.name, missing)}
    return found


def stamp_of_code(folder: Path) -> str:
    """What changes with the Python files in a folder, and with the environment."""
    digest = hashlib.sha256(environment_stamp())
    for file in files_of(folder):
        if file.suffix == ".py":
            with contextlib.suppress(OSError):
                state = file.stat()
                digest.update(f"{file} {state.st_mtime_ns} {state.st_size}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def environment_stamp() -> bytes:
    """What changes when the environment is made anew, without anything of before."""
    cfg = Path(sys.prefix) / "pyvenv.cfg"
    made = cfg.stat().st_mtime_ns if cfg.is_file() else 0
    return f"{sys.version} {sys.prefix} {made}".encode()


def stamp_of(folder: Path) -> str:
    """What changes with what an `install.py` would do: it, files of requirements, the environment."""
    digest = hashlib.sha256(environment_stamp())
    for file in (folder / INSTALL, *sorted(folder.glob("*requirements*.txt"))):
        with contextlib.suppress(OSError):
            digest.update(file.name.encode("utf-8", "surrogateescape"))
            digest.update(file.read_bytes())
    return digest.hexdigest()


def run_in_process(
    command: Sequence[str], name: str, root: Path, environment: dict[str, str], limit_s: float
) -> None:
    """Run a program in a folder, for an extension. Raises InstallFailed, if it does not end in time too."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = wait_patiently(process, name, limit_s)
        except subprocess.TimeoutExpired:
            raise InstallFailed(
                f"It did not end within {limit_s:g} s and was stopped. It printed last: {read_end(output)}"
            ) from None
        finally:
            end_group(process)
        if status != 0:
            told = read_end(output)
            reason = find_reason(told)
            why = f": {reason}" if reason else ""
            raise InstallFailed(f"It ended with status {status}{why}. It printed last: {told}")
        logger.debug("%s", read_end(output))


def find_reason(told: str) -> str:
    """Why it failed, of what a program printed: pip's own words, or the last that Python raised; else "".

    Two packages that do not go together are named, with what each of them wants.
    """
    lines = [line.strip().removeprefix("stderr: ") for line in told.splitlines()]
    conflict = next(
        (place for place, line in enumerate(lines) if line.startswith("The conflict is caused by")), 0
    )
    if conflict:
        wishes = itertools.takewhile(bool, lines[conflict + 1 :])
        return "packages do not go together: " + "; ".join(
            line.replace("The user requested (constraint)", "the program keeps") for line in wishes
        )
    said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    raised = [line for line in lines if RAISED.match(line)]
    return next((each.rstrip(".")[:MOST_OF_REASON] for each in (*said[:1], *raised[-1:])), "")


def wait_patiently(process: "subprocess.Popen[bytes]", name: str, limit_s: float) -> int:
    """The status with which a process ends. Says now and then who is waited for. Raises TimeoutExpired."""
    ends = time.monotonic() + limit_s
    while True:
        left = ends - time.monotonic()
        try:
            return process.wait(max(min(left, REMIND_S), 0.01))
        except subprocess.TimeoutExpired:
            if left <= REMIND_S:
                raise
            logger.info("Still installing for the extension %s", name)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and what it started, where the system knows of that."""
    if sys.platform == "win32":
        process.kill()
    else:
        # They may have ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read_end(output: IO[bytes]) -> str:
    """The end of what a process printed."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - TOLD_CHARACTERS))
    return output.read().decode("utf-8", "replace").strip() or "nothing"
