"""Extensions that were removed and can be had back: a hidden folder beside the others."""

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from webui.core.errors import InvalidRequest, NotFound
from webui.library.community.records import InstallRecord, InstallRecords
from webui.library.community.staging_area import remove_folder
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.regular_files import folders_below, read_regular

TRASH = ".trash"
IDENTITY = re.compile(r"[0-9a-f]{16}")
MOST_BYTES = 20_000_000


class RemovedExtension(BaseModel):
    """What is in the trash."""

    id: str
    name: str
    when: str
    record: InstallRecord | None = None


class ExtensionTrash:
    """The trash of a folder of extensions."""

    def __init__(self, home: Path, records: InstallRecords) -> None:
        self._home = home
        self._records = records

    def put(self, name: str) -> RemovedExtension:
        """Move an extension into the trash. Raises StorageError."""
        folder = self._home / TRASH / secrets.token_hex(8)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        removed = RemovedExtension(id=folder.name, name=name, when=when, record=self._records.read(name))
        write_atomically(folder / "removed.json", removed.model_dump_json().encode())
        with storage_errors(folder):
            (self._home / name).rename(folder / "extension")
            self._records.delete(name)
        return removed

    def all(self) -> list[RemovedExtension]:
        """What can be had back, newest first."""
        folders = [each for each in folders_below(self._home / TRASH, 1) if IDENTITY.fullmatch(each.name)]
        found = [self._read(each) for each in folders if (each / "extension").exists()]
        return sorted((each for each in found if each), key=lambda each: each.when, reverse=True)

    def restore(self, identity: str) -> RemovedExtension:
        """Put one back. Raises NotFound, InvalidRequest if its name is taken, or StorageError."""
        removed = self._find(identity)
        target = self._home / removed.name
        if target.exists():
            raise InvalidRequest(f"There is an extension {removed.name!r} again. Remove it first.")
        folder = self._home / TRASH / identity
        if removed.record is not None:
            self._records.write(removed.record)
        with storage_errors(target):
            (folder / "extension").rename(target)
        remove_folder(folder)
        return removed

    def delete(self, identity: str) -> RemovedExtension:
        """Delete one for good. Raises NotFound."""
        removed = self._find(identity)
        remove_folder(self._home / TRASH / identity)
        return removed

    def _find(self, identity: str) -> RemovedExtension:
        removed = self._read(self._home / TRASH / identity) if IDENTITY.fullmatch(identity) else None
        if removed is None:
            raise NotFound("This is not in the trash any more. Open the trash again.")
        return removed

    def _read(self, folder: Path) -> RemovedExtension | None:
        try:
            return RemovedExtension.model_validate_json(read_regular(folder / "removed.json", MOST_BYTES))
        except (OSError, ValidationError):
            return None
