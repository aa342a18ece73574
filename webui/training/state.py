"""What a run resumes from: written whole or not at all, checked when it is read, the last two kept."""

import contextlib
import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import IO, Any

import torch

from webui.store.files.atomic import storage_errors, write_atomically

logger = logging.getLogger(__name__)
KEPT = 2
STATE = re.compile(r"step-(\d+)\.json")
BLOCK = 1 << 20


class HashingFile:
    """A file to write to, which knows the SHA-256 of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:  # noqa: ANN401 - bytes, or what torch gives in place of them
        """Write some bytes."""
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """As a file's."""
        self._file.flush()


class StateFiles:
    """States of one run in a folder: `step-N.pt`, which counts once `step-N.json` has its checksum."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Keep a state of tensors, numbers and texts, then let older ones go. Raises StorageError."""
        path = self._folder / f"step-{step:08d}.pt"
        temporary = path.with_suffix(".part")
        with storage_errors(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                digest = write_state(temporary, state)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        write_atomically(path.with_suffix(".json"), json.dumps({"step": step, "sha256": digest}).encode())
        self._drop_older()

    def load(self) -> dict[str, Any] | None:
        """The newest whole state, None if there is none; a torn one is passed over, and told in the log."""
        for step in sorted(self.steps, reverse=True):
            state = self._load(step)
            if state is not None:
                return state
            logger.warning("The state of step %d is damaged; the one before it is taken.", step)
        return None

    @property
    def steps(self) -> list[int]:
        """Of the states that were written to their end."""
        with contextlib.suppress(OSError):
            names = [path.name for path in self._folder.iterdir()]
            return [int(match[1]) for name in names if (match := STATE.fullmatch(name))]
        return []

    def clear(self) -> None:
        """Forget all of them."""
        for step in self.steps:
            self._remove(step)

    def _load(self, step: int) -> dict[str, Any] | None:
        path = self._folder / f"step-{step:08d}.pt"
        try:
            wanted = json.loads(path.with_suffix(".json").read_bytes())["sha256"]
            if digest_of(path) != wanted:
                return None
            # Tensors and plain values only: nothing in the file is run.
            return torch.serialization.load(path, map_location="cpu", weights_only=True)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            return None

    def _drop_older(self) -> None:
        for step in sorted(self.steps, reverse=True)[KEPT:]:
            self._remove(step)

    def _remove(self, step: int) -> None:
        path = self._folder / f"step-{step:08d}.pt"
        with contextlib.suppress(OSError):
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def write_state(path: Path, state: dict[str, Any]) -> str:
    """Write a state through to the disk; its SHA-256. Raises OSError."""
    with path.open("wb") as file:
        hashing = HashingFile(file)
        try:
            torch.save(state, hashing)  # pyright: ignore[reportArgumentType] - it only writes to it
        except RuntimeError as error:
            # torch's writer tells of a full disk in its own words.
            raise_storage_error(error)
            raise
        file.flush()
        os.fsync(file.fileno())
    return hashing.digest.hexdigest()


def raise_storage_error(error: BaseException | None) -> None:
    """Raise the OSError that another error came from, if it came from one."""
    while error is not None:
        if isinstance(error, OSError):
            raise error
        error = error.__cause__ or error.__context__


def digest_of(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
