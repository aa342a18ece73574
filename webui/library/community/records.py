"""What was installed: a file for each extension, with the hash of its code as it was accepted."""

import re
from pathlib import Path

from pydantic import BaseModel, ValidationError

from webui.library.community.repository import is_folder_name
from webui.library.community.tree import tree_hash
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.regular_files import read_regular, regular_files

FOLDER = "extension-records"
MOST_BYTES = 16_000_000
TREE = re.compile(r"[0-9a-f]{64}")


class InstallRecord(BaseModel):
    """One extension as it was installed or accepted. `when` and `committed` are times in ISO 8601."""

    name: str
    url: str = ""
    branch: str = ""
    commit: str = ""
    is_pinned: bool = False
    subject: str = ""
    committed: str = ""
    tree: str
    # Of the commit: what else lies in the folder is the artist's, and stays through an update.
    files: list[str] = []
    kinds: dict[str, int] = {}
    when: str = ""
    who: str = ""


class InstallRecords:
    """The records, in a folder of the data folder. Each file is whole or not there."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def read(self, name: str) -> InstallRecord | None:
        """The record of an extension; None where it has none that can be read."""
        if not is_folder_name(name):
            return None
        try:
            record = InstallRecord.model_validate_json(read_regular(self._path(name), MOST_BYTES))
        except (OSError, ValidationError):
            return None
        return record if record.name == name else None

    def has(self, name: str) -> bool:
        """Whether there is a record, one that cannot be read too."""
        return is_folder_name(name) and self._path(name).exists()

    def write(self, record: InstallRecord) -> None:
        """Keep a record. Raises StorageError."""
        write_atomically(self._path(record.name), record.model_dump_json(indent=1).encode())

    def delete(self, name: str) -> None:
        """Forget one. Raises StorageError."""
        path = self._path(name)
        with storage_errors(path):
            path.unlink(missing_ok=True)

    @property
    def names(self) -> list[str]:
        """All that have a record."""
        return [path.stem for path in regular_files(self._folder) if path.suffix == ".json"]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def explain_distrust(self, folder: Path) -> str:
        """Why the code in an extension's folder is not run: a sentence; "" if it may be.

        What was installed here must be as it was accepted. What its owner put there by hand, without a
        record, is theirs.
        """
        name = folder.name
        if not self.has(name):
            return ""
        record = self.read(name)
        if record is None:
            return (
                f"The extension {name!r} was not loaded: the note of what was accepted of it cannot be read. "
                "Look at it in the tab Extensions, and accept it anew."
            )
        try:
            is_same = tree_hash(folder) == record.tree
        except OSError as error:
            return f"The extension {name!r} was not loaded: its files cannot be read ({error.strerror})."
        if is_same:
            return ""
        return (
            f"The extension {name!r} was not loaded: its code is not what was accepted. Somebody or "
            "something changed it on disk. See what it does now in the tab Extensions; accept it there, or "
            "roll it back."
        )


def is_trusted(data: Path, folder: Path) -> str:
    """Why the code in a folder of `extensions` is not run, by the records in `data`; "" if it may be."""
    return InstallRecords(data).explain_distrust(folder)
