"""The data-set desk: data sets in the data folder, and folders elsewhere that the artist named."""

import contextlib
import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from random import Random
from typing import BinaryIO

from PIL import Image

from webui.core.errors import InvalidRequest, NotFound
from webui.core.work.training_run import TrainingRun
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.folder_rules import FolderRules
from webui.store.files.regular_files import entries_of, is_folder, is_folder_entry, is_regular, read_regular
from webui.store.files.safe_names import safe_name
from webui.store.pictures.picture_files import is_picture_name
from webui.store.texts.encoding import encode
from webui.store.trash import Trash
from webui.training.data.additions import Added, Addition
from webui.training.data.buckets import Size, place
from webui.training.data.caption_edits import CaptionEdit, count_tags, edit_captions
from webui.training.data.captions import find_caption_file, join_lines
from webui.training.data.dataset import CAPTION_SUFFIXES, DEFAULT_RESOLUTION, Crop, DataSet, Example, Rules
from webui.training.data.edit_history import EditHistory, Undone, read_or_none
from webui.training.data.facts_file import FactsFile
from webui.training.data.folders import require_folder
from webui.training.data.pictures import choose_offset, cut, open_shown
from webui.training.data.reading import HINT_ENDS, MASK_ENDS, count_pictures, scan_data

DATASETS = "datasets"
OWN = ".desk"
LINK, FACTS, HISTORY, THUMBNAILS = "folder.json", "facts.json", "history", "thumbnails"
MAX_LINK_BYTES = 100_000
MAX_NAME = 100
# Pictures as the page shows them; other sizes become the next larger one.
THUMBNAIL_SIDES = (128, 256, 512, 1024)
QUALITY = 82
KIND, PICTURE_KIND = "data set", "picture of a data set"


@dataclass(frozen=True, slots=True)
class DataSetSummary:
    """A data set in a list: how many pictures it has, and how many of them have a caption file."""

    name: str
    folder: str
    pictures: int
    captioned: int


@dataclass(frozen=True, slots=True)
class DataSetDetail:
    """Everything about a data set. `duplicates` are pairs of files; `buckets` count pictures by size."""

    summary: DataSetSummary
    dataset: DataSet
    tags: list[tuple[str, int]]
    buckets: list[tuple[Size, int]]
    duplicates: list[tuple[str, str]]
    can_undo: bool


class Desk:
    """All data sets of a server. Any thread; changes come one after another."""

    def __init__(self, folder: Path, rules: FolderRules | None, trash: Trash | None = None) -> None:
        """`folder` holds the data sets and is made with the first; without `rules` any folder may be named.

        `trash` takes what is deleted; by default the folder has its own.
        """
        self._folder = folder
        self._rules = rules
        self._trash = trash or Trash([folder])
        self._lock = threading.RLock()

    def list_all(self) -> list[DataSetSummary]:
        """All data sets by name."""
        names = [
            entry.name
            for entry in entries_of(self._folder)
            if not entry.name.startswith(".") and is_folder_entry(entry)
        ]
        return [self.summarise(name) for name in names]

    def create(self, name: str, folder: str | None = None) -> DataSetSummary:
        """Make an empty data set, or one that is a folder elsewhere. Raises InvalidRequest."""
        name = name.strip()
        if not name or safe_name(name) != name or len(name) > MAX_NAME:
            raise InvalidRequest(
                f"A data set cannot be called {name[:60]!r}. Use letters, digits, spaces, - and _; "
                f"no more than {MAX_NAME}."
            )
        with self._lock:
            own = self._folder / name
            if own.exists():
                raise InvalidRequest(f"There is a data set called {name} already. Choose another name.")
            if folder:
                path = self._check_folder(folder)
                write_atomically(own / OWN / LINK, json.dumps({"folder": str(path)}).encode())
            else:
                with storage_errors(own):
                    own.mkdir(parents=True)
            return self.summarise(name)

    def find(self, name: str) -> Path:
        """The folder with a data set's pictures. Raises NotFound, InvalidRequest."""
        own = self._own(name)
        link = self._read_link(own)
        if link is None:
            return own
        require_folder(f"The data set {name}", Path(link), self.guard)
        return Path(link)

    def resolve(self, data: str) -> Path:
        """Where `data` of a training run lies: a data set by its name, else a folder, .zip or .toml.

        Whether it may be read is what `guard` says to `read_data`. Raises InvalidRequest.
        """
        name = data.strip()
        if safe_name(name) == name and is_folder(self._folder / name):
            return self.find(name)
        path = Path(name).expanduser()
        if self._rules is None:
            return path
        is_file = path.suffix.lower() in (".toml", ".zip")
        found = self._rules.check_folder("The data set", str(path.parent if is_file else path))
        return found / path.name if is_file else found

    def guard(self, what: str, folder: Path) -> None:
        """Raise InvalidRequest if a folder may not be read; those of the desk's own data sets always may."""
        if self._rules is None:
            return
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            if folder.resolve().is_relative_to(self._folder.resolve()):
                return
        self._rules.check_folder(what, str(folder))

    def summarise(self, name: str) -> DataSetSummary:
        """A data set in a list; one whose folder is gone has no pictures."""
        try:
            folder = self.find(name)
            pictures, captioned = count_pictures(folder, run_for(name))
        except InvalidRequest:
            folder, pictures, captioned = Path(self._read_link(self._own(name)) or ""), 0, 0
        return DataSetSummary(name, str(folder), pictures, captioned)

    def detail(self, name: str, resolution: int = DEFAULT_RESOLUTION) -> DataSetDetail:
        """Everything about a data set. Raises NotFound, InvalidRequest."""
        dataset = self._scan(name, resolution)
        trained = [each for each in dataset.examples if not each.is_regularisation]
        buckets = Counter(place((each.width, each.height), each.rules).bucket for each in trained)
        return DataSetDetail(
            self.summarise(name),
            dataset,
            count_tags(each.caption for each in trained),
            sorted(buckets.items(), key=lambda each: (-each[1], each[0])),
            self._find_duplicates(name, dataset.examples),
            self._history(name).can_undo,
        )

    def picture(self, name: str, file: str) -> Path:
        """A picture of a data set. Raises NotFound."""
        folder = self.find(name)
        parts = PurePosixPath(file).parts
        is_plain = bool(parts) and not any(part.startswith((".", "/")) or "\\" in part for part in parts)
        path = folder.joinpath(*parts) if is_plain else folder
        if not is_regular(path) or not is_picture_name(path.name) or leads_out(path, folder):
            raise NotFound(f"The data set {name} has no picture {file[:200]!r}.")
        return path

    def thumbnail(self, name: str, file: str, side: int) -> Path:
        """A small picture as WebP, made once. Raises NotFound, UnusableFile."""
        path = self.picture(name, file)
        side = next((each for each in THUMBNAIL_SIDES if each >= side), THUMBNAIL_SIDES[-1])
        status = path.stat()
        identity = f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}-{side}.webp"
        target = self._own(name) / OWN / THUMBNAILS / identity
        if not is_regular(target):
            image = open_shown(path, (side, side)).image
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            write_atomically(target, encode(image, "webp", quality=QUALITY))
        return target

    def preview_crop(self, name: str, file: str, resolution: int, crop: Crop) -> bytes:
        """What a run sees of a picture, as WebP. Raises NotFound, UnusableFile."""
        path = self.picture(name, file)
        rules = Rules.of(run_for(name, resolution))
        size = open_shown(path, (1, 1)).size
        placement = place(size, rules)
        image = open_shown(path, placement.resized).image
        offset = choose_offset(placement, crop, image, Random(0))
        return encode(cut(image, placement, offset), "webp", quality=QUALITY)

    def write_captions(self, name: str, captions: Mapping[str, str], mark: str = "") -> dict[str, str]:
        """Write the captions of pictures as one change that can be undone; what they are now.

        Those of several calls in a row with the same mark are undone together. Raises NotFound if one of
        the pictures is not there, StorageError.
        """
        with self._lock:
            written = {file: join_lines(caption) for file, caption in captions.items()}
            data = {caption_file(self.picture(name, file)): text.encode() for file, text in written.items()}
            changed = {path: text for path, text in data.items() if read_or_none(path) != text}
            if changed:
                self._history(name).write(changed, mark)
            return written

    def edit(self, name: str, edit: CaptionEdit, files: Sequence[str] | None = None) -> dict[str, str]:
        """Change many captions at once, all if `files` is None; those that changed. Raises NotFound."""
        with self._lock:
            captions = {each.name: each.caption for each in self._scan(name).examples}
            if files is not None:
                if missing := [file for file in files if file not in captions]:
                    raise NotFound(f"The data set {name} has no picture {missing[0][:200]!r}.")
                captions = {file: captions[file] for file in files}
            return self.write_captions(name, edit_captions(captions, edit))

    def undo(self, name: str) -> Undone:
        """Take back the last change to captions, or the last deletion. Raises InvalidRequest."""
        with self._lock:
            return self._history(name).undo(self._trash_of(name).restore)

    def can_undo(self, name: str) -> bool:
        """Whether there is anything to undo. Raises NotFound."""
        return self._history(name).can_undo

    def add(self, name: str, files: Iterable[tuple[str, BinaryIO]]) -> Added:
        """Take files in. Raises NotFound, StorageError."""
        folder = self.find(name)
        addition = Addition(self._own(name) / OWN)
        try:
            for file_name, file in files:
                addition.take(file_name, file)
            with self._lock:
                return addition.move_in(folder, self._history(name))
        finally:
            addition.close()

    def delete_file(self, name: str, file: str) -> None:
        """Move a picture to the trash, with its caption, mask and hint. Raises NotFound, StorageError."""
        with self._lock:
            path = self.picture(name, file)
            beside = [path.with_name(f"{path.stem}{end}.png") for end in (*MASK_ENDS, *HINT_ENDS)]
            captions = [path.with_suffix(suffix) for suffix in CAPTION_SUFFIXES]
            others = [each for each in (*captions, *beside) if is_regular(each)]
            shares = any(
                other.stem == path.stem and is_picture_name(other.name) and other != path
                for other in path.parent.iterdir()
            )
            trashed = self._trash_of(name).put(
                path, [] if shares else others, name=path.name, kind=PICTURE_KIND
            )
            self._history(name).note_trashed([file], trashed.id)

    def delete(self, name: str) -> None:
        """Move a data set to the trash; of a folder elsewhere only its name is forgotten. Raises NotFound."""
        with self._lock:
            own = self._own(name)
            if self._read_link(own) is None:
                self._trash.put(own, [], name=name, kind=KIND)
            else:
                with storage_errors(own):
                    shutil.rmtree(own)

    def _own(self, name: str) -> Path:
        """The folder of a name in the data folder. Raises NotFound."""
        own = self._folder / name if name and safe_name(name) == name else None
        if own is None or not is_folder(own):
            raise NotFound(f"There is no data set called {name[:100]!r}.")
        return own

    def _read_link(self, own: Path) -> str | None:
        try:
            document = json.loads(read_regular(own / OWN / LINK, MAX_LINK_BYTES))
            return str(document["folder"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(
                f"The data set {own.name} does not know its folder any more. Delete it, then name the folder "
                "again."
            ) from error

    def _check_folder(self, folder: str) -> Path:
        """A folder that somebody names. Raises InvalidRequest."""
        path = self._rules.check_folder("The folder of a data set", folder) if self._rules else Path(folder)
        require_folder("The folder of a data set", path, self.guard)
        return path.resolve()

    def _scan(self, name: str, resolution: int = DEFAULT_RESOLUTION) -> DataSet:
        facts = FactsFile(self._own(name) / OWN / FACTS)
        return scan_data(self.find(name), run_for(name, resolution), self.guard, facts.measure)

    def _find_duplicates(self, name: str, examples: Sequence[Example]) -> list[tuple[str, str]]:
        # Loads numpy.
        from webui.training.data.likeness import find_duplicates

        known = FactsFile(self._own(name) / OWN / FACTS).measure([each.path for each in examples])
        there = [
            (each.name, facts.likeness) for each, facts in zip(examples, known, strict=True) if facts.likeness
        ]
        pairs = find_duplicates([likeness for _, likeness in there])
        return [(there[one][0], there[other][0]) for one, other in pairs]

    def _history(self, name: str) -> EditHistory:
        return EditHistory(self.find(name), self._own(name) / OWN / HISTORY)

    def _trash_of(self, name: str) -> Trash:
        """The trash for pictures of a data set: of a folder elsewhere, one in that folder."""
        folder = self.find(name)
        return self._trash if folder == self._own(name) else Trash([folder])


def run_for(name: str, resolution: int = DEFAULT_RESOLUTION) -> TrainingRun:
    """A run that only looks at its data."""
    return TrainingRun(method="lora", checkpoint="-", name=name, data=name, resolution=resolution)


def caption_file(picture: Path) -> Path:
    """The file that holds the caption of a picture, or will."""
    return find_caption_file(picture, CAPTION_SUFFIXES) or picture.with_suffix(CAPTION_SUFFIXES[0])


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path leads out of its folder by a link."""
    try:
        return not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return True
