"""Hashes of files: those that the catalog knows, and others kept in A1111's cache."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from webui.compat.a1111.facades import reaching
from webui.core.errors import UnusableFile
from webui.core.model_file import ModelFile
from webui.library.files.file_types import SAFETENSORS_SUFFIXES
from webui.library.files.hashing import data_hash_of, old_hash_of, sha256_of

NOTHING = "NOFILE"


def file_in_catalog(path: Path) -> ModelFile | None:
    """The catalog's entry of a path; None if it has none."""
    ready = reaching.services()
    if ready is None:
        return None
    wanted = path.absolute()
    return next((file for file in ready.catalog.all_files() if file.path == wanted), None)


def known_sha256(path: Path, title: str, cached: MutableMapping[str, Any]) -> str | None:
    """The SHA-256 of a file, if it was computed before and the file did not change."""
    file = file_in_catalog(path)
    if file is not None and file.sha256:
        return file.sha256
    entry = cached.get(title)
    try:
        changed = path.stat().st_mtime
    except OSError:
        return None
    is_current = isinstance(entry, dict) and changed <= entry.get("mtime", 0)
    return entry.get("sha256") or None if is_current and isinstance(entry, dict) else None


def compute_sha256(path: Path, title: str, cached: MutableMapping[str, Any]) -> str:
    """The same; where it is not known it is computed now (about 1 s a GB). Raises OSError."""
    known = known_sha256(path, title, cached)
    if known is not None:
        return known
    ready, file = reaching.services(), file_in_catalog(path)
    digest = ready.catalog.sha256(file) if ready and file else sha256_of(path)
    cached[title] = {"mtime": path.stat().st_mtime, "sha256": digest}
    return digest


def old_hash(path: Path) -> str:
    """The 8 digits by which A1111 first named checkpoints; "NOFILE" where there is none."""
    try:
        return old_hash_of(path)
    except (OSError, UnusableFile):
        return NOTHING


def data_hash(path: Path) -> str:
    """What A1111 knows LoRAs by: of what follows a safetensors header, of other files that of the whole."""
    return data_hash_of(path) if path.suffix.lower() in SAFETENSORS_SUFFIXES else sha256_of(path)
