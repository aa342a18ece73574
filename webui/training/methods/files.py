"""Writing trained tensors: whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save, save_file
from torch import Tensor

from webui.core.work.training_run import TrainingRun
from webui.store.files.atomic import storage_errors, usual_mode

FORMATS: Mapping[str, torch.dtype] = {
    "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16,
}  # fmt: skip


def numbers_of(run: TrainingRun) -> torch.dtype:
    """The numbers of the run's file."""
    return FORMATS[run.save_format or "fp16"]


# The part of a file that A1111's first short hash is made of.
LEGACY_START, LEGACY_SIZE, LEGACY_DIGITS = 0x100000, 0x10000, 8


def add_hashes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata with kohya's hashes of a LoRA, by which programs know it under any name.

    They are those of the file with the trainer's own metadata alone, of its numbers and of a part of it.
    """
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    raw = save(whole, {name: value for name, value in metadata.items() if name.startswith("ss_")})
    numbers = memoryview(raw)[8 + int.from_bytes(raw[:8], "little") :]
    part = memoryview(raw)[LEGACY_START : LEGACY_START + LEGACY_SIZE]
    return {
        **metadata,
        "sshs_model_hash": hashlib.sha256(numbers).hexdigest(),
        "sshs_legacy_hash": hashlib.sha256(part).hexdigest()[:LEGACY_DIGITS],
    }


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Make or replace a safetensors file. Raises StorageError."""
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with replaced(path) as temporary:
        save_file(whole, temporary, dict(metadata))


@contextmanager
def replaced(path: Path) -> Generator[Path]:
    """A temporary file beside `path` that takes its place after the block, or goes. Raises StorageError."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.chmod(usual_mode(path))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_pickle(path: Path, content: Mapping[Any, Any]) -> None:  # Any: A1111's tables
    """Make or replace a file as torch.save writes it. Raises StorageError."""
    with replaced(path) as temporary, temporary.open("wb") as file:
        torch.save(dict(content), file)
