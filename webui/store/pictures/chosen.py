"""What the Save button does: copies of chosen pictures in one folder, a line in log.csv, a ZIP on demand."""

import csv
import io
import itertools
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from webui.core.settings import Folders, Saving
from webui.store.files.atomic import storage_errors, write_atomically, write_new
from webui.store.pictures.filenames import NameFacts, Naming, file_name
from webui.store.pictures.images import ImageFiles, SavedPicture
from webui.store.texts.encoding import PictureNotes

LOG_NAME = "log.csv"
# A1111's columns; files of older versions have only the first nine.
LOG_FIELDS = (
    "prompt", "seed", "width", "height", "sampler", "cfgs", "steps", "filename", "negative_prompt",
    "sd_model_name", "sd_model_hash",
)  # fmt: skip
ARCHIVE_PATTERN = "[datetime]_[[model_name]]_[seed]-[seed_last]"


@dataclass(frozen=True, slots=True)
class ChosenPicture:
    """A picture of the gallery and what is known of it."""

    image: Image.Image
    infotext: str | None
    facts: NameFacts


class SaveButton:
    """Saves chosen pictures. One for all threads."""

    def __init__(self, images: ImageFiles) -> None:
        """`images` gives the names."""
        self._images = images
        self._log_lock = threading.Lock()

    def save(
        self, pictures: Sequence[ChosenPicture], saving: Saving, folders: Folders, *, as_archive: bool = False
    ) -> list[Path]:
        """Save pictures; the paths of all files made, the archive first. Raises StorageError."""
        folder = self._images.folder(folders.outdir_save)
        saved = [
            self._images.save(
                picture.image,
                PictureNotes(picture.infotext),
                picture.facts,
                saving,
                folder,
                in_subfolder=False,
            )
            for picture in pictures
        ]
        paths = [path for picture in saved for path in (picture.path, picture.text_path) if path]
        if saving.save_write_log_csv and saved:
            with self._log_lock:
                add_to_log(folder / LOG_NAME, pictures[0], saved[0])
        return [write_archive(folder, paths, pictures[0]), *paths] if as_archive and paths else paths


def add_to_log(path: Path, picture: ChosenPicture, saved: SavedPicture) -> None:
    """Add a line to log.csv, its header too where there is none or an old one."""
    facts, request = picture.facts, picture.facts.request
    line = [
        request.prompt if request else "",
        facts.seed,
        picture.image.width,
        picture.image.height,
        request.sampler if request else "",
        request.cfg_scale if request else "",
        request.steps if request else "",
        saved.path.name,
        request.negative_prompt if request else "",
        facts.model_name,
        facts.model_hash,
    ]
    with storage_errors(path):
        if header_is_current(path):
            with path.open("a", encoding="utf-8", errors="replace", newline="") as file:
                csv.writer(file).writerow(line)
        else:
            rewrite(path, [LOG_FIELDS, *old_lines(path), line])


def header_is_current(path: Path) -> bool:
    """Whether the file begins with all of today's columns."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return any(len(header) >= len(LOG_FIELDS) for header in itertools.islice(csv.reader(file), 1))


def old_lines(path: Path) -> list[list[str]]:
    """The lines below an old header, filled up to today's columns."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = list(csv.reader(file))[1:]
    return [line + [""] * (len(LOG_FIELDS) - len(line)) for line in lines]


def rewrite(path: Path, lines: Sequence[Sequence[object]]) -> None:
    """Replace the file by these lines."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    write_atomically(path, text.getvalue().encode(errors="replace"))


def write_archive(folder: Path, paths: Sequence[Path], first: ChosenPicture) -> Path:
    """A ZIP of the files, named by A1111's pattern. Pictures are compressed already: they are only stored."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            archive.writestr(path.name, path.read_bytes())
    name = file_name(ARCHIVE_PATTERN, Naming(first.facts, first.image, in_archive=True))
    return write_new(folder / f"{name}.zip", data.getvalue())
