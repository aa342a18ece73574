"""A1111's hashes of model files."""

import hashlib
from pathlib import Path

from webui.library.files.headers import diffusers_weight_files

# A1111's first hash looked at this much, from this place on.
OLD_HASH_OFFSET, OLD_HASH_BYTES = 0x100000, 0x10000
OLD_HASH_DIGITS = 8
READ_BYTES = 1 << 20
# A safetensors file begins with the length of its header.
LENGTH_BYTES = 8


def sha256_of(path: Path) -> str:
    """SHA-256 of a whole file, 64 hex digits; of a diffusers folder, that of its U-Net's weights."""
    digest = hashlib.sha256()
    for file in _list_hashed_files(path):
        with file.open("rb") as stream:
            while piece := stream.read(READ_BYTES):
                digest.update(piece)
    return digest.hexdigest()


def data_hash_of(path: Path) -> str:
    """SHA-256 of what follows a safetensors file's header (AutoV3): metadata may change, it does not."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        stream.seek(LENGTH_BYTES + int.from_bytes(stream.read(LENGTH_BYTES), "little"))
        while piece := stream.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def old_hash_of(path: Path) -> str:
    """The 8 hex digits by which A1111 named models before it used SHA-256 (AutoV1)."""
    digest = hashlib.sha256()
    for file in _list_hashed_files(path)[:1]:
        with file.open("rb") as stream:
            stream.seek(OLD_HASH_OFFSET)
            digest.update(stream.read(OLD_HASH_BYTES))
    return digest.hexdigest()[:OLD_HASH_DIGITS]


def _list_hashed_files(path: Path) -> list[Path]:
    return diffusers_weight_files(path / "unet") if path.is_dir() else [path]
