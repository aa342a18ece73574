"""Files that come to a data set: pictures with their captions and masks, one by one or in a zip."""

import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import BinaryIO

from webui.core.errors import UnusableFile
from webui.store.files.atomic import storage_errors
from webui.store.files.regular_files import folders_below, is_regular, regular_files
from webui.store.files.safe_names import safe_parts
from webui.store.files.staging import file_away, require_space
from webui.store.pictures.picture_files import is_picture_name
from webui.training.data.dataset import CAPTION_SUFFIXES, Skipped
from webui.training.data.edit_history import EditHistory
from webui.training.data.reading import HINT_ENDS, MASK_ENDS
from webui.training.data.unpacking import is_rubbish, unpack_pictures

WORK_PREFIX = "incoming-"
COPY_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Added:
    """What came of files: names below the data set, and those that were not taken."""

    added: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


class Addition:
    """Files on their way into a data set, in a hidden folder of the desk's until they are checked."""

    def __init__(self, desk_folder: Path) -> None:
        """`desk_folder` is on the disk of the data set, hidden, and made if it is not there."""
        with storage_errors(desk_folder):
            desk_folder.mkdir(parents=True, exist_ok=True)
            self._work = Path(tempfile.mkdtemp(dir=desk_folder, prefix=WORK_PREFIX))
        self._skipped: list[Skipped] = []

    def take(self, name: str, file: BinaryIO) -> None:
        """Take a picture, a caption file or a zip of them, under the name that the client gives it."""
        target = safe_parts(name.replace("\\", "/"))
        if is_rubbish(name):
            return
        if target is None:
            self._skipped.append(Skipped(name[:200], "its name leads out of the data set"))
        elif target.suffix.lower() == ".zip":
            self._take_zip(target, file)
        elif is_picture_name(target.name) or target.suffix.lower() in CAPTION_SUFFIXES:
            path = self._work / "files" / target
            if is_regular(path):
                self._skipped.append(Skipped(target.as_posix(), "it was sent twice"))
            else:
                copy(file, path)
        else:
            why = "it is neither a picture, a caption (.txt, .caption) nor a .zip"
            self._skipped.append(Skipped(target.as_posix(), why))

    def _take_zip(self, target: Path, file: BinaryIO) -> None:
        path = self._work / target.name
        copy(file, path)
        folder = Path(tempfile.mkdtemp(dir=self._work))
        try:
            self._skipped += unpack_pictures(path, folder)
        except UnusableFile as error:
            why = str(error).removeprefix(f"{path.name} ").rstrip(".")
            self._skipped.append(Skipped(target.as_posix(), why))
            return
        finally:
            path.unlink(missing_ok=True)
        for inner in folders_below(folder):
            for each in regular_files(inner):
                place = self._work / "files" / each.relative_to(folder)
                if not file_away(each, place):
                    self._skipped.append(Skipped(place.name, "it was sent twice"))

    def move_in(self, folder: Path, history: EditHistory) -> Added:
        """Put what can be read into the data set. Nothing that is there is lost: see `place_group`."""
        # Loads numpy and OpenCV.
        from webui.training.data.facts import measure_all

        root = self._work / "files"
        files = [each for inner in folders_below(root) for each in regular_files(inner)]
        pictures = [each for each in files if is_picture_name(each.name)]
        faults = {path: facts.fault for path, facts in zip(pictures, measure_all(pictures), strict=True)}
        result = Added([], self._skipped)
        groups: dict[tuple[Path, str], list[Path]] = defaultdict(list)
        captions: dict[Path, bytes] = {}
        for path in files:
            if fault := faults.get(path):
                result.skipped.append(Skipped(path.relative_to(root).as_posix(), fault))
            else:
                groups[path.parent.relative_to(root), main_stem(path)].append(path)
        for (inner, stem), group in sorted(groups.items()):
            place_group(folder / inner, stem, group, captions, result, folder)
        if captions:
            history.write(captions)
        return result

    def close(self) -> None:
        """Leave nothing of what was not moved in."""
        shutil.rmtree(self._work, ignore_errors=True)


def place_group(
    folder: Path, stem: str, group: list[Path], captions: dict[Path, bytes], result: Added, root: Path
) -> None:
    """Put a picture, its caption and its mask into a folder.

    Where another picture has the name, all get a number. The same picture is not taken twice. Captions go to
    `captions`, as they may replace others, which can be undone.
    """
    chosen = stem
    pictures = [path for path in group if is_picture_name(path.name) and path.stem == stem]
    if pictures and not any(same_bytes(path, folder / path.name) for path in pictures):
        chosen = free_stem(folder, stem)
    for path in group:
        target = folder / f"{chosen}{path.name.removeprefix(stem)}"
        name = target.relative_to(root).as_posix()
        if path.suffix.lower() in CAPTION_SUFFIXES:
            captions[target] = path.read_bytes()
            result.added.append(name)
        elif file_away(path, target):
            result.added.append(name)
        else:
            result.skipped.append(Skipped(name, "it is there already"))


def main_stem(path: PurePath) -> str:
    """The name that a picture, its caption, mask and hint share."""
    stem = path.stem
    if path.suffix.lower() in CAPTION_SUFFIXES:
        # Captions may be called a.png.txt.
        return PurePath(stem).stem if is_picture_name(stem) else stem
    return next((stem.removesuffix(end) for end in (*MASK_ENDS, *HINT_ENDS) if stem.endswith(end)), stem)


def free_stem(folder: Path, stem: str) -> str:
    """The name, with a number if a picture has it."""
    taken = {file.stem.casefold() for file in regular_files(folder) if is_picture_name(file.name)}
    chosen, number = stem, 1
    while chosen.casefold() in taken:
        chosen = f"{stem}-{number}"
        number += 1
    return chosen


def same_bytes(one: Path, other: Path) -> bool:
    """Whether both files are there and equal."""
    return (
        is_regular(other)
        and one.stat().st_size == other.stat().st_size
        and one.read_bytes() == other.read_bytes()
    )


def copy(source: BinaryIO, target: Path) -> None:
    """Write what a client sent. Raises StorageError."""
    source.seek(0, 2)
    require_space(target.parent, source.tell(), target.name)
    source.seek(0)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            shutil.copyfileobj(source, file, COPY_BYTES)
