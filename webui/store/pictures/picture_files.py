"""Which files of a folder are pictures, by their names."""

from pathlib import Path

from webui.store.files.regular_files import regular_files

# Of the formats that `store.reading` opens.
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"})


def is_picture_name(name: str) -> bool:
    """Whether a file's name ends as those of pictures do."""
    return Path(name).suffix.lower() in PICTURE_SUFFIXES


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name; hidden ones and those in folders below are left out."""
    return [path for path in regular_files(folder) if is_picture_name(path.name)]
