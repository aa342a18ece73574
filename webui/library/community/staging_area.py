"""Folders beside the extensions where things are prepared, so that each change is one change of a name.

What a killed program leaves is put in order at the next start: an extension is the old one or the new one.
"""

import contextlib
import logging
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from webui.library.community.records import InstallRecord, InstallRecords
from webui.library.community.tree import files_of, is_code
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.regular_files import read_regular

logger = logging.getLogger(__name__)
# Hidden, so that nobody takes them for extensions.
INCOMING, PREVIOUS = ".incoming", ".previous"
SWAP = "swap.json"
MOST_BYTES = 40_000_000
REMOVALS, PAUSE_S = 20, 0.05


class Swap(BaseModel):
    """A replacement that has begun: the records of the old code and of the new; None where there is none."""

    name: str
    before: InstallRecord | None
    after: InstallRecord | None


@dataclass(frozen=True, slots=True)
class StagingPlace:
    """A folder for one installation."""

    folder: Path

    @property
    def checkout(self) -> Path:
        """Where the new code lies."""
        return self.folder / "checkout"

    @property
    def before(self) -> Path:
        """Where the old code lies while it is replaced."""
        return self.folder / "before"

    def clear(self) -> None:
        """Nothing is left of it."""
        remove_folder(self.folder)


class StagingArea:
    """The hidden folders below the folder of extensions."""

    def __init__(self, home: Path, records: InstallRecords) -> None:
        self.home = home
        self._records = records

    def open(self) -> StagingPlace:
        """A new place. Raises StorageError."""
        place = StagingPlace(self.home / INCOMING / secrets.token_hex(8))
        with storage_errors(place.folder):
            place.checkout.mkdir(parents=True)
        return place

    def previous(self, name: str) -> Path:
        """Where the code before the last update lies, if there is any."""
        return self.home / PREVIOUS / name

    def previous_record(self, name: str) -> InstallRecord | None:
        """The record of that code; None where it had none."""
        try:
            data = read_regular(self._previous_file(name), MOST_BYTES)
            return InstallRecord.model_validate_json(data)
        except (OSError, ValidationError):
            return None

    def move_in(self, place: StagingPlace, record: InstallRecord) -> None:
        """Make what lies in a place a new extension. Raises StorageError."""
        target = self.home / record.name
        with storage_errors(target):
            # First, so that no code is ever there without a note of what was accepted.
            self._records.write(record)
            place.checkout.rename(target)
            sync_folder(self.home)

    def replace(
        self, place: StagingPlace, name: str, before: InstallRecord | None, after: InstallRecord | None
    ) -> None:
        """Put what lies in a place into an extension's place; the old code is kept. Raises StorageError."""
        swap = Swap(name=name, before=before, after=after)
        target = self.home / name
        with storage_errors(target):
            write_atomically(place.folder / SWAP, swap.model_dump_json().encode())
            target.rename(place.before)
            try:
                place.checkout.rename(target)
            except OSError:
                place.before.rename(target)
                raise
            self._finish(place, swap)

    def _finish(self, place: StagingPlace, swap: Swap) -> None:
        if swap.after is None:
            self._records.delete(swap.name)
        else:
            self._records.write(swap.after)
        self.forget_previous(swap.name)
        kept = self.previous(swap.name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if swap.before is not None:
            write_atomically(self._previous_file(swap.name), swap.before.model_dump_json().encode())
        place.before.rename(kept)
        sync_folder(self.home)

    def forget_previous(self, name: str) -> None:
        """Delete the code before the last update."""
        self._previous_file(name).unlink(missing_ok=True)
        remove_folder(self.previous(name))

    def recover(self) -> None:
        """At the start: end what a killed program began, and delete what it left."""
        with contextlib.suppress(OSError):
            for folder in sorted((self.home / INCOMING).iterdir()):
                place = StagingPlace(folder)
                with contextlib.suppress(OSError, ValidationError):
                    self._recover(place, Swap.model_validate_json(read_regular(folder / SWAP, MOST_BYTES)))
                if not place.before.exists():
                    place.clear()

    def _recover(self, place: StagingPlace, swap: Swap) -> None:
        target = self.home / swap.name
        if not place.before.exists():
            return
        if target.exists():
            self._finish(place, swap)
        else:
            place.before.rename(target)
        logger.warning("The replacement of the extension %s was cut off; it is whole again", swap.name)

    def _previous_file(self, name: str) -> Path:
        return self.home / PREVIOUS / f"{name}.json"


def carry_over(old: Path, new: Path, old_files: list[str] | None, new_files: list[str]) -> None:
    """Take what the artist or the extension itself put beside the code (settings, lists, models) along.

    That is what belongs to neither commit and cannot run. `old_files` is None where the old commit is not
    known; then it is what the new one does not have.
    """
    known = {*new_files, *(old_files or [])}
    for path in files_of(old):
        relative = path.relative_to(old)
        if relative.as_posix() in known or is_code(relative) or path.is_symlink() or not path.is_file():
            continue
        target = new / relative
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent.resolve().is_relative_to(new.resolve()):
                target.unlink(missing_ok=True)
                link_or_copy(path, target)


def link_or_copy(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where the disk has no hard links."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def remove_folder(folder: Path) -> None:
    """Delete a folder with all in it; git's objects are read-only, which Windows minds."""

    def make_writable(function: object, path: str, _: object) -> None:
        with contextlib.suppress(OSError):
            Path(path).chmod(0o700)
            Path(path).unlink()

    if folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    # What a program wrote that was ended just now may come between.
    for _ in range(REMOVALS):
        shutil.rmtree(folder, onerror=make_writable)
        if not folder.exists():
            return
        time.sleep(PAUSE_S)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder lie on the disk, where the system can say so."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
