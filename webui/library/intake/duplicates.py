"""Whether a file is here already, without hashing every model that happens to have its size."""

from pathlib import Path

from webui.core.model_file import ModelFile
from webui.library.catalog.catalog import Catalog

# Merges of one family have the same size to the byte: some places are compared before whole files are hashed.
SAMPLES = 16
SAMPLE_BYTES = 64 * 1024
# Without the file itself to compare, this many others are hashed at most.
MOST_HASHED = 2


def find_same(catalog: Catalog, size: int, sha256: str, path: Path | None = None) -> ModelFile | None:
    """The file here with this content; `path` is the one that came, if it is on this machine yet."""
    catalog.settle()
    known = catalog.by_hash(sha256)
    if known is not None and known.path.exists():
        return known
    unhashed = [
        file
        for file in catalog.all_files()
        if file.size == size and file.sha256 is None and file.path.is_file()
    ]
    if path is not None:
        unhashed = [file for file in unhashed if looks_same(path, file.path, size)]
    elif len(unhashed) > MOST_HASHED:
        return None
    return next((file for file in unhashed if catalog.sha256(file) == sha256), None)


def looks_same(path: Path, other: Path, size: int) -> bool:
    """Whether two files of one size are equal in some places."""
    with path.open("rb") as first, other.open("rb") as second:
        for number in range(SAMPLES):
            place = max(size - SAMPLE_BYTES, 0) * number // (SAMPLES - 1)
            first.seek(place)
            second.seek(place)
            if first.read(SAMPLE_BYTES) != second.read(SAMPLE_BYTES):
                return False
    return True
