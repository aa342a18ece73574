"""Finished latents on disk until they are pictures, and a while longer, to decode them with another VAE."""

import contextlib
import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from webui.core.errors import NotFound, StorageError, UnusableFile
from webui.core.request import GenerationRequest
from webui.core.request_infotext import PictureFacts
from webui.store.files.atomic import storage_errors, write_atomically

logger = logging.getLogger(__name__)
# The time in nanoseconds (once milliseconds), so that names sort by age, and a part that no other batch has.
LATENT_ID = re.compile(r"\d{13}(?:\d{6})?-[0-9a-f]{8}")
# How many of its pictures are not saved yet stands in the name: renaming is the cheapest safe note.
FILE = re.compile(rf"({LATENT_ID.pattern})\.(\d+)\.safetensors")
TENSOR = "latent"
BYTES_PER_NUMBER = 4
MAX_HEADER_BYTES = 4 * 2**20
# Batches that were never decoded stay, however few the settings allow of the others.
LEAST_UNFINISHED = 20
STALE_S = 3600
# A file may get another name between looking for it and opening it.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class FinishedBatch:
    """A batch as the sampler left it. `data` is float32, little-endian, of `shape` (B, C, h, w).

    `first` is the place of its first picture in the run, `model` the title of the checkpoint that made it.
    """

    request: GenerationRequest
    first: int
    shape: tuple[int, ...]
    data: bytes
    model: str
    facts: PictureFacts

    @property
    def count(self) -> int:
        """Pictures in it."""
        return self.shape[0]


@dataclass(frozen=True, slots=True)
class KeepLimits:
    """How much is kept of what was decoded already."""

    count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LatentFile:
    """A kept batch as its file's name tells it: `left` of its pictures were never saved."""

    path: Path
    id: str
    left: int


class StoredLatent:
    """A batch on disk while it is decoded. `warning` tells why it could not be kept; the work goes on."""

    def __init__(self, id: str, hand_over: Callable[[], None], warning: str | None = None) -> None:
        """`id` is what to open it by; empty if it could not be kept."""
        self.id = id
        self._hand_over = hand_over
        self.warning = warning

    def done(self) -> None:
        """One more of its pictures was handed over, and is safe unless somebody holds it still."""
        self._hand_over()


@dataclass(slots=True)
class BatchAtWork:
    """A batch that is being decoded, or whose pictures are not all saved yet."""

    file: LatentFile
    limits: KeepLimits | None = None
    # Recipes that decode it; pictures that a saver holds; of these, those not handed over by the recipe yet.
    recipes: int = 0
    held: int = 0
    not_handed_over: int = 0
    # What is left is counted from the end, so nothing counts as saved after one that was not.
    has_failed: bool = False

    def count_saved(self) -> None:
        """One more of its pictures is safe."""
        if self.file.left and not self.has_failed:
            self.file = rename_with_left(self.file, self.file.left - 1)


class Latents:
    """A folder of kept batches; any thread."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder when the first batch comes."""
        self._folder = folder
        self._at_work: dict[str, BatchAtWork] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def store(self, batch: FinishedBatch, limits: KeepLimits) -> Generator[StoredLatent]:
        """Keep a batch while it is decoded; afterwards older ones go where there are more than `limits`."""
        file, warning = None, None
        try:
            file = self._write(batch)
        except StorageError as error:
            warning = f"{error} The latent could not be kept; the picture is decoded without that."
        if file is None:
            yield StoredLatent("", lambda: None, warning)
            self.trim(limits)
            return
        with self._working(file, limits) as kept:
            yield kept

    @contextlib.contextmanager
    def resume(self, latent: str) -> Generator[StoredLatent]:
        """A kept batch while it is decoded once more. Raises NotFound."""
        with self._working(self._find(latent), None) as kept:
            yield kept

    def hold(self, latent: str) -> None:
        """Take a picture of a batch that is being decoded: it is not safe before `release`."""
        with self._lock:
            if batch := self._at_work.get(latent):
                batch.held += 1
                batch.not_handed_over += 1

    def release(self, latent: str, *, is_saved: bool) -> None:
        """Say of a picture taken by `hold` that it is safe, or that it will not be: the batch is offered."""
        with self._lock:
            if (batch := self._at_work.get(latent)) is None:
                return
            batch.held -= 1
            if is_saved:
                batch.count_saved()
            else:
                batch.has_failed = True
        self._leave(batch)

    def open(self, latent: str) -> FinishedBatch:
        """A kept batch. Raises NotFound, or UnusableFile if its file was damaged."""
        for _ in range(ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                return read_batch(self._find(latent).path)
        raise refuse_gone()

    def has(self, latent: str) -> bool:
        """Whether a batch is still kept."""
        return any(file.id == latent for file in self._files())

    def unfinished(self) -> tuple[LatentFile, ...]:
        """Batches with pictures that were never saved, oldest first, without those being decoded now."""
        with self._lock:
            at_work = set(self._at_work)
        return tuple(file for file in self._files() if file.left and file.id not in at_work)

    def settle(self, latent: str) -> None:
        """Offer a batch no more as unfinished."""
        rename_with_left(self._find(latent), 0)

    def _write(self, batch: FinishedBatch) -> LatentFile:
        assert len(batch.data) == math.prod(batch.shape) * BYTES_PER_NUMBER, "The data is not of that shape."
        # In nanoseconds, because the oldest go first: several may be kept within a millisecond.
        latent = f"{time.time_ns():019d}-{uuid4().hex[:8]}"
        file = LatentFile(self._folder / file_name(latent, batch.count), latent, batch.count)
        write_atomically(file.path, encode_batch(batch))
        return file

    @contextlib.contextmanager
    def _working(self, file: LatentFile, limits: KeepLimits | None) -> Generator[StoredLatent]:
        with self._lock:
            batch = self._at_work.setdefault(file.id, BatchAtWork(file))
            batch.recipes += 1
            batch.limits = limits or batch.limits
        try:
            yield StoredLatent(file.id, lambda: self._hand_over(batch))
        finally:
            with self._lock:
                batch.recipes -= 1
            self._leave(batch)

    def _hand_over(self, batch: BatchAtWork) -> None:
        with self._lock:
            if batch.not_handed_over:
                batch.not_handed_over -= 1
            else:
                batch.count_saved()

    def _leave(self, batch: BatchAtWork) -> None:
        """Forget a batch that nobody works with any more, and remove older ones."""
        with self._lock:
            if batch.recipes or batch.held:
                return
            self._at_work.pop(batch.file.id, None)
        if batch.limits is not None:
            self.trim(batch.limits)

    def trim(self, limits: KeepLimits) -> None:
        """Remove the oldest beyond the limits: decoded ones first, never one that is decoded now."""
        with self._lock:
            at_work = set(self._at_work)
        files = self._files()
        sizes = {file.id: size_of(file.path) for file in files}
        count, total = len(files), sum(sizes.values())
        for file in sorted(files, key=lambda file: (file.left > 0, file.id)):
            room = max(limits.count, LEAST_UNFINISHED) if file.left else limits.count
            if file.id not in at_work and (count > room or total > limits.size_bytes):
                file.path.unlink(missing_ok=True)
                count, total = count - 1, total - sizes[file.id]
        for stale in self._folder.glob(".*.tmp"):
            # Left by a process that was killed while it wrote.
            if age_s(stale) > STALE_S:
                stale.unlink(missing_ok=True)

    def _find(self, latent: str) -> LatentFile:
        for file in self._files():
            if file.id == latent:
                return file
        raise refuse_gone()

    def _files(self) -> list[LatentFile]:
        if not self._folder.is_dir():
            return []
        found = ((path, FILE.fullmatch(path.name)) for path in self._folder.iterdir())
        return sorted(
            (LatentFile(path, match[1], int(match[2])) for path, match in found if match),
            key=lambda file: file.id,
        )


def refuse_gone() -> NotFound:
    """What to say of a batch that is not there any more."""
    return NotFound(
        "The latent of this picture is no longer kept. Generate it again with its seed, or let Settings, "
        "Saving images keep more of them."
    )


def file_name(latent: str, left: int) -> str:
    """A kept batch's file name."""
    return f"{latent}.{left}.safetensors"


def rename_with_left(file: LatentFile, left: int) -> LatentFile:
    """The file renamed to say that so many of its pictures are not saved yet."""
    path = file.path.with_name(file_name(file.id, left))
    try:
        with storage_errors(path):
            file.path.replace(path)
    except StorageError as error:
        # At worst the batch is offered once more.
        logger.warning("%s", error)
        return file
    return LatentFile(path, file.id, left)


def encode_batch(batch: FinishedBatch) -> bytes:
    """The batch as a safetensors file: any tool that reads those can read the latent."""
    facts = asdict(batch.facts) | {"effects": sorted(batch.facts.effects)}
    header = {
        "__metadata__": {
            "request": batch.request.model_dump_json(),
            "first": str(batch.first),
            "model": batch.model,
            "facts": json.dumps(facts),
        },
        TENSOR: {"dtype": "F32", "shape": list(batch.shape), "data_offsets": [0, len(batch.data)]},
    }
    text = json.dumps(header).encode()
    # The numbers begin at a multiple of eight, as the format asks.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + batch.data


def read_batch(path: Path) -> FinishedBatch:
    """A kept batch's file. Raises FileNotFoundError, or UnusableFile if it is damaged."""
    raw = path.read_bytes()
    try:
        length = int.from_bytes(raw[:8], "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError("The header is too long.")
        header: dict[str, Any] = json.loads(raw[8 : 8 + length])
        notes, tensor = header["__metadata__"], header[TENSOR]
        facts: dict[str, Any] = json.loads(notes["facts"])
        facts["effects"] = frozenset(facts["effects"])
        batch = FinishedBatch(
            request=GenerationRequest.model_validate_json(notes["request"]),
            first=int(notes["first"]),
            shape=tuple(tensor["shape"]),
            data=raw[8 + length :],
            model=notes["model"],
            facts=PictureFacts(**facts),
        )
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise refuse_damaged(path) from error
    if len(batch.data) != math.prod(batch.shape) * BYTES_PER_NUMBER:
        raise refuse_damaged(path)
    return batch


def refuse_damaged(path: Path) -> UnusableFile:
    """What to say of a file that cannot be read."""
    return UnusableFile(f"The kept latent {path.name} is damaged. Generate the picture again with its seed.")


def size_of(path: Path) -> int:
    """Bytes; 0 if it was removed just now."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def age_s(path: Path) -> float:
    """Seconds since it was written; 0 if it was removed just now."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
