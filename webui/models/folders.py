"""The folders models lie in, and every model file below them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webui.core.settings import Paths
from webui.models.file_types import PICKLE_SUFFIXES, SAFETENSORS_SUFFIXES
from webui.models.headers import (
    DIFFUSERS_PARTS,
    diffusers_weight_files,
    is_diffusers_folder,
)

# A1111's folders below models/, with those of Forge that hold the same kinds.
FOLDERS: dict[str, tuple[str, ...]] = {
    "checkpoints": ("Stable-diffusion",),
    "vae": ("VAE", "VAE-approx"),
    "lora": ("Lora", "LyCORIS"),
    "hypernetworks": ("hypernetworks",),
    "upscalers": ("ESRGAN", "RealESRGAN", "SwinIR", "Swin2SR", "ScuNET", "DAT", "HAT", "BSRGAN"),
    "face_restorers": ("GFPGAN", "Codeformer"),
    "controlnet": ("ControlNet",),
    "text_encoders": ("text_encoder",),
}
DETECTOR_FOLDERS = ("opencv", "GFPGAN", "Codeformer")
# Deeper nesting is a mistake, such as a whole disk linked into the folder.
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A model file or diffusers folder: its path, its name below its folder, and what tells whether it
    changed.
    """

    path: Path
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Folders by what users keep in them; the kind of a file is told by its content."""

    roots: tuple[Path, ...]
    starter: Path | None = None
    # Where A1111 keeps networks that find faces and are no torch files.
    detectors: tuple[Path, ...] = ()

    @classmethod
    def of(cls, paths: Paths) -> "ModelFolders":
        """A1111's folders, the further ones of the flags, and the bundled checkpoint's."""
        roots = [paths.models / name for names in FOLDERS.values() for name in names]
        roots += [paths.embeddings, *(path for extra in paths.extra.values() for path in extra)]
        detectors = tuple(paths.models / name for name in DETECTOR_FOLDERS)
        return cls(tuple(dict.fromkeys(roots)), paths.starter, detectors)


def find_files(folders: ModelFolders) -> Iterator[FoundFile]:
    """Every model file below the folders, each once, the bundled checkpoint last."""
    seen: set[Path] = set()
    for root in (*folders.roots, *([folders.starter] if folders.starter else [])):
        yield from _walk(root, root, seen, MAX_DEPTH)


def _walk(root: Path, folder: Path, seen: set[Path], depth: int) -> Iterator[FoundFile]:
    """Files below a folder; links are followed, but nothing is visited twice and hidden names are left
    out.
    """
    real = folder.resolve()
    if real in seen or depth == 0:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        # Absent or unreadable folders hold no models; A1111's layout names many that nobody makes.
        return
    for name in names:
        path = folder / name
        if path.is_dir():
            if is_diffusers_folder(path):
                yield from _diffusers_folder(root, path, seen)
            else:
                yield from _walk(root, path, seen, depth - 1)
        elif path.suffix.lower() in SAFETENSORS_SUFFIXES | PICKLE_SUFFIXES and path.is_file():
            yield from _file(root, path, seen)


def _file(root: Path, path: Path, seen: set[Path]) -> Iterator[FoundFile]:
    real = path.resolve()
    if real in seen:
        return
    seen.add(real)
    try:
        stat = path.stat()
    except OSError:
        return
    yield FoundFile(path, path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns)


def _diffusers_folder(root: Path, path: Path, seen: set[Path]) -> Iterator[FoundFile]:
    real = path.resolve()
    if real in seen:
        return
    seen.add(real)
    stats = [file.stat() for part in DIFFUSERS_PARTS for file in diffusers_weight_files(path / part)]
    size, changed = sum(stat.st_size for stat in stats), max((stat.st_mtime_ns for stat in stats), default=0)
    yield FoundFile(path, path.relative_to(root).as_posix(), size, changed)
