"""What was deleted and can be had back: hidden folders beside the models, on the same disk."""

import contextlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from webui.core.errors import NotFound, StorageError
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.regular_files import folders_below, read_regular, regular_files
from webui.store.files.staging import file_away
from webui.store.sidecars import base_name

TRASH = ".trash"
RECORD = "record.json"
MAX_RECORD_BYTES = 1 << 20
IDENTITY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Trashed:
    """A model in the trash. `path` is where it lay; `size` counts all its files; `deleted` is a time in s."""

    id: str
    name: str
    kind: str
    path: Path
    size: int
    deleted: float


class Trash:
    """The trash of several folders: each holds its own, so that deleting is but a change of name."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """`roots` are the folders in which models lie."""
        self._roots = tuple(roots)

    def put(self, path: Path, sidecars: Sequence[Path], *, name: str, kind: str) -> Trashed:
        """Move a model and what lies beside it into the trash. Raises StorageError."""
        folder = self._root_of(path) / TRASH / secrets.token_hex(8)
        files = [*sidecars, path]
        record = {
            "name": name,
            "kind": kind,
            "path": str(path),
            "size": sum(size_of(file) for file in files),
            "deleted": time.time(),
        }
        write_atomically(folder / RECORD, json.dumps(record).encode())
        # The model last: as long as it is listed, the trash may be told to give its sidecars back.
        for file in files:
            move(file, folder / "files" / file.name)
        return self.find(folder.name)

    def all(self) -> list[Trashed]:
        """What is in the trash, newest first."""
        found = (read(folder) for folder in self._folders())
        return sorted((each for each in found if each), key=lambda each: each.deleted, reverse=True)

    def find(self, identity: str) -> Trashed:
        """An entry. Raises NotFound."""
        found = read(self._folder(identity))
        if found is None:
            raise NotFound("This is no longer in the trash.")
        return found

    def restore(self, identity: str) -> Path:
        """Put a model back, under a name with a number if its own was taken since; where it is now."""
        trashed, folder = self.find(identity), self._folder(identity)
        target = free_path(trashed.path)
        files = sorted((folder / "files").iterdir(), key=lambda file: file.name == trashed.path.name)
        for file in files:
            place = target if file.name == trashed.path.name else sidecar_place(file, trashed.path, target)
            # Where another sidecar stands meanwhile, that one stays.
            with contextlib.suppress(FileExistsError):
                move(file, place)
        shutil.rmtree(folder, ignore_errors=True)
        return target

    def delete(self, identity: str) -> Trashed:
        """Delete for good."""
        trashed = self.find(identity)
        with storage_errors(trashed.path):
            shutil.rmtree(self._folder(identity))
        return trashed

    def empty(self) -> tuple[int, int]:
        """Delete everything in it for good: how many models, how many bytes."""
        deleted = [self.delete(each.id) for each in self.all()]
        return len(deleted), sum(each.size for each in deleted)

    def _root_of(self, path: Path) -> Path:
        """The innermost of the roots that holds a path."""
        holding = [root for root in self._roots if root in path.parents]
        return max(holding, key=lambda root: len(root.parts), default=path.parent)

    def _folders(self) -> Iterator[Path]:
        for root in dict.fromkeys(self._roots):
            with contextlib.suppress(OSError):
                yield from (path for path in (root / TRASH).iterdir() if IDENTITY.fullmatch(path.name))

    def _folder(self, identity: str) -> Path:
        found = next((folder for folder in self._folders() if folder.name == identity), None)
        if found is None:
            raise NotFound("This is no longer in the trash.")
        return found


def sidecar_place(sidecar: Path, path: Path, target: Path) -> Path:
    """Where a sidecar of `path` lies if that lies at `target`."""
    old, new = base_name(path), base_name(target)
    if not sidecar.name.startswith(old):
        # Captions are called as their pictures, whatever type these have.
        old, new = path.stem, target.stem
    return target.with_name(new + sidecar.name.removeprefix(old))


def read(folder: Path) -> Trashed | None:
    """An entry from its record, None if that cannot be read or nothing is left."""
    try:
        document = json.loads(read_regular(folder / RECORD, MAX_RECORD_BYTES))
        record = cast("dict[str, Any]", document)
        if not any((folder / "files").iterdir()):
            return None
        return Trashed(
            folder.name,
            str(record["name"]),
            str(record["kind"]),
            Path(record["path"]),
            int(record["size"]),
            float(record["deleted"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def move(source: Path, target: Path) -> None:
    """Move a file or a folder; FileExistsError if the name is taken, StorageError for all else."""
    if not source.is_dir():
        if not file_away(source, target):
            raise FileExistsError(target)
        return
    if target.exists():
        raise FileExistsError(target)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except OSError as error:
            raise StorageError(
                f"The folder {source.name} lies on another disk than its trash. Delete it by hand."
            ) from error


def free_path(path: Path) -> Path:
    """The path, with a number if something has its name."""
    free, number = path, 1
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        files = (file for inner in folders_below(path) for file in regular_files(inner))
        return sum(file.stat().st_size for file in files)
    return path.stat().st_size
