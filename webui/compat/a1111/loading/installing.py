"""Running `install.py`, each in a process of its own, before any script is imported.

What it installs cannot change the packages of the program (`packages`). It is run once: again only when its
files or the environment have changed, or while it fails, up to three times.
"""

import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from webui.compat.a1111.health import HealthRecords
from webui.compat.a1111.layout import HostLayout
from webui.compat.a1111.loading import packages
from webui.core.errors import StorageError
from webui.plugins.community import CommunityFolder
from webui.store.files.atomic import write_atomically

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


class InstallFailed(RuntimeError):
    """An `install.py` failed, or did not end. The text is a sentence and the end of what it printed."""


class InstallNote(BaseModel):
    """Of one extension: what was run, and how often it failed; 0 is that it went well."""

    stamp: str = ""
    failures: int = 0


class InstallNotes(BaseModel):
    """The file, by the names of extensions."""

    notes: dict[str, InstallNote] = {}


@dataclass(slots=True)
class Installs:
    """Which `install.py` ran, in a data folder."""

    data: Path
    layout: HostLayout
    limit_s: float = INSTALL_LIMIT_S
    notes: InstallNotes = field(default_factory=InstallNotes)

    def read(self) -> None:
        """Read what ran in earlier starts."""
        try:
            self.notes = InstallNotes.model_validate_json((self.data / NOTES).read_bytes())
        except (OSError, ValidationError):
            self.notes = InstallNotes()

    def run_all(self, folders: Sequence[CommunityFolder], health: HealthRecords) -> None:
        """Run those that are new or have changed; what goes wrong with one is noted in its health."""
        self.read()
        for each in folders:
            file = each.folder / INSTALL
            if file.is_file() and self.is_due(each):
                with health.watch(file, INSTALL):
                    self.run_one(each)

    def is_due(self, extension: CommunityFolder) -> bool:
        """Whether the `install.py` of an extension is to be run."""
        note = self.notes.notes.get(extension.name)
        if note is None or note.stamp != stamp_of(extension.folder):
            return True
        if note.failures >= MOST_TRIES:
            logger.warning(
                "The %s of the extension %s failed %d times and is not run again until it changes",
                INSTALL, extension.name, note.failures,
            )  # fmt: skip
        return 0 < note.failures < MOST_TRIES

    def run_one(self, extension: CommunityFolder) -> None:
        """Run one. Raises InstallFailed."""
        logger.info("Running the %s of the extension %s", INSTALL, extension.name)
        stamp, before = stamp_of(extension.folder), packages.protected_versions()
        constraints = self.data / CONSTRAINTS
        write_atomically(constraints, packages.constraints_text(before).encode("utf-8"))
        environment = self.layout.environment(packages.pip_environment(constraints, os.environ))
        try:
            run_in_process(extension, self.layout.root, environment, self.limit_s)
            changes = packages.describe_changes(before, packages.protected_versions())
            if changes:
                raise InstallFailed(
                    f"It changed packages that the program needs: {', '.join(changes)}. Put them back with "
                    "pip, or remove the program's environment, .venv, and run ./launch.sh."
                )
        except InstallFailed:
            self.note(extension.name, stamp, has_failed=True)
            raise
        self.note(extension.name, stamp, has_failed=False)

    def note(self, name: str, stamp: str, *, has_failed: bool) -> None:
        """Keep what became of one."""
        before = self.notes.notes.get(name, InstallNote())
        earlier = before.failures if before.stamp == stamp else 0
        self.notes.notes[name] = InstallNote(stamp=stamp, failures=earlier + 1 if has_failed else 0)
        try:
            write_atomically(self.data / NOTES, self.notes.model_dump_json(indent=1).encode("utf-8"))
        except StorageError as error:
            logger.warning("%s", error)


def stamp_of(folder: Path) -> str:
    """What changes with what an `install.py` would do: it, files of requirements, the environment."""
    digest = hashlib.sha256(f"{sys.version} {sys.prefix}".encode())
    environment = Path(sys.prefix) / "pyvenv.cfg"
    for file in (folder / INSTALL, *sorted(folder.glob("*requirements*.txt")), environment):
        try:
            digest.update(file.name.encode("utf-8", "surrogateescape"))
            digest.update(file.read_bytes())
            if file == environment:
                # An environment that was made anew has nothing of before.
                digest.update(str(file.stat().st_mtime_ns).encode())
        except OSError:
            continue
    return digest.hexdigest()


def run_in_process(
    extension: CommunityFolder, root: Path, environment: dict[str, str], limit_s: float
) -> None:
    """Run an `install.py` as a program in a folder. Raises InstallFailed, if it does not end in time too."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, str(extension.folder / INSTALL)],
            cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            status = wait_patiently(process, extension.name, limit_s)
        except subprocess.TimeoutExpired:
            raise InstallFailed(
                f"It did not end within {limit_s:g} s and was stopped. It printed last: {read_end(output)}"
            ) from None
        finally:
            end_group(process)
        if status != 0:
            raise InstallFailed(f"It ended with status {status}. It printed last: {read_end(output)}")
        logger.debug("%s", read_end(output))


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
            logger.info("Still running the %s of the extension %s", INSTALL, name)


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
