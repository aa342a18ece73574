"""What sort of file something is, by its first bytes; its name may lie."""

from enum import StrEnum
from pathlib import Path

from webui.library.files.file_types import PICKLE_SUFFIXES, SAFETENSORS_SUFFIXES
from webui.library.files.headers import is_pickle
from webui.library.files.limits import MAX_HEADER_BYTES
from webui.library.intake.archives import is_archive

PICTURE_STARTS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
# Archives that are not opened here.
OTHER_ARCHIVES = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"\x1f\x8b": "gzip"}


MODEL_SUFFIXES = SAFETENSORS_SUFFIXES | PICKLE_SUFFIXES | {".gguf"}


class Container(StrEnum):
    """How the bytes of a file are to be read."""

    SAFETENSORS = "safetensors"
    PICKLE = "pickle"
    GGUF = "gguf"
    PICTURE = "picture"
    ARCHIVE = "archive"
    OTHER = "other"


def container_of(path: Path) -> Container:
    """The sort of a file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(PICTURE_STARTS) or start[4:12] in (b"ftypavif", b"ftypavis") or is_webp(start):
        return Container.PICTURE
    if start.startswith(b"GGUF"):
        return Container.GGUF
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= min(size - 8, MAX_HEADER_BYTES):
        return Container.SAFETENSORS
    if is_archive(path):
        return Container.ARCHIVE
    return Container.PICKLE if is_pickle(start) else Container.OTHER


def is_webp(start: bytes) -> bool:
    """Whether a file begins as WebP pictures do."""
    return start.startswith(b"RIFF") and start[8:12] == b"WEBP"


def other_archive(path: Path) -> str | None:
    """The name of an archive's kind that cannot be opened here."""
    with path.open("rb") as file:
        start = file.read(16)
    return next((name for mark, name in OTHER_ARCHIVES.items() if start.startswith(mark)), None)


def correct_suffix(path: Path, container: Container) -> Path:
    """The file, renamed where its suffix says something else than its content; programs go by suffixes."""
    suffix = path.suffix.lower()
    if container is Container.SAFETENSORS and suffix not in SAFETENSORS_SUFFIXES:
        wanted = ".safetensors"
    elif container is Container.PICKLE and suffix not in PICKLE_SUFFIXES:
        wanted = ".pt"
    elif container is Container.GGUF and suffix != ".gguf":
        wanted = ".gguf"
    else:
        return path
    known = suffix in MODEL_SUFFIXES
    # "style.v2" has no suffix that tells a type, only a version.
    return path.rename(path.with_suffix(wanted) if known else path.with_name(path.name + wanted))
