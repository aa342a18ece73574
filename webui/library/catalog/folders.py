"""The folders models lie in, which kinds each is for, and every model file below them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

from webui.core.model_file import ModelKind
from webui.core.readable import readable
from webui.core.settings import Paths
from webui.library.files.file_types import MODEL_SUFFIXES, is_being_written, is_temporary
from webui.library.files.headers import (
    DIFFUSERS_PARTS,
    diffusers_weight_files,
    is_diffusers_folder,
)
from webui.library.files.picture_embeddings import PICTURE_SUFFIXES
from webui.library.recognise.kinds import FACTS
from webui.store.files.regular_files import entries_of, is_folder_entry, is_regular, is_regular_entry

Kinds = frozenset[ModelKind]
# Folders of pictures' networks: which lies in which is a matter of taste.
PICTURE_KINDS: Kinds = frozenset(
    {ModelKind.UPSCALER, ModelKind.FACE_RESTORER, ModelKind.FACE_DETECTOR, ModelKind.DETECTOR}
)
EMBEDDINGS = "embeddings"
# The flags' names of what a further folder is for, by a kind whose folders are for the same.
FLAG_KINDS: Mapping[str, ModelKind] = MappingProxyType(
    {
        "checkpoints": ModelKind.CHECKPOINT,
        "vae": ModelKind.VAE,
        "lora": ModelKind.LORA,
        "hypernetworks": ModelKind.HYPERNETWORK,
        "upscalers": ModelKind.UPSCALER,
        "controlnet": ModelKind.CONTROLNET,
    }
)
DETECTOR_FOLDERS = ("opencv", "GFPGAN", "Codeformer")
# A1111 takes VAEs beside checkpoints for such if their names end so.
VAE_ENDING = ".vae"
PREVIEW = ".preview"
# Deeper nesting is a mistake, such as a whole disk linked into the folder.
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A model file or diffusers folder: its path, the folder it was found below, its name below that, and
    what tells whether it changed.
    """

    path: Path
    root: Path
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Folders by what users keep in them; the kind of a file is told by its content.

    `kinds` tells what each root is for, `homes` where new files of a kind go.
    """

    roots: tuple[Path, ...]
    starter: Path | None = None
    # Where A1111 keeps networks that find faces and are no torch files.
    detectors: tuple[Path, ...] = ()
    # Where pictures may carry embeddings.
    embeddings: tuple[Path, ...] = ()
    kinds: Mapping[Path, Kinds] = field(default_factory=dict)
    homes: Mapping[ModelKind, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Paths) -> "ModelFolders":
        """A1111's folders, the further ones of the flags, and the bundled checkpoint's."""
        kinds: dict[Path, Kinds] = {}

        def allow(path: Path, allowed: Kinds) -> None:
            kinds[path] = kinds.get(path, frozenset()) | allowed

        for name in dict.fromkeys(name for facts in FACTS.values() for name in facts.folders):
            allow(paths.models / name, kinds_of_folder(name))
        allow(paths.embeddings, frozenset({ModelKind.EMBEDDING}))
        for use, extra in paths.extra.items():
            for path in extra:
                allow(path, kinds_of_folder(FACTS[FLAG_KINDS[use]].folders[0]))
        detectors = tuple(paths.models / name for name in DETECTOR_FOLDERS)
        homes = {kind: _home(kind, paths) for kind in ModelKind}
        embeddings = (paths.embeddings, paths.models / EMBEDDINGS)
        return cls(tuple(kinds), paths.starter, detectors, embeddings, kinds, homes)

    def with_embeddings(self, folder: Path) -> Self:
        """These and a further folder of embeddings; themselves where they have it."""
        if folder in self.roots:
            return self
        kinds = {**self.kinds, folder: frozenset({ModelKind.EMBEDDING})}
        return replace(self, roots=(*self.roots, folder), embeddings=(*self.embeddings, folder), kinds=kinds)

    def home(self, kind: ModelKind) -> Path:
        """Where a new file of a kind is put: A1111's folder, or that of the flag that stands for it."""
        return self.homes[kind]

    def is_home(self, found: FoundFile, kind: ModelKind) -> bool:
        """Whether a file of a kind may lie where it does; what is not recognised may lie anywhere."""
        allowed = self.kinds.get(found.root)
        if allowed is None or kind is ModelKind.UNKNOWN:
            return True
        if kind is ModelKind.VAE and ModelKind.CHECKPOINT in allowed and ModelKind.TAESD not in allowed:
            return found.path.stem.lower().endswith(VAE_ENDING)
        return kind in allowed

    def urgency(self, root: Path) -> int:
        """In which order folders are scanned, smallest first: checkpoints, without which nothing goes, then
        the rest, then LoRAs, of which there are most.
        """
        kinds = self.kinds.get(root)
        if kinds is None or ModelKind.CHECKPOINT in kinds:
            return 0
        return 2 if ModelKind.LORA in kinds else 1

    def may_hold(self, root: Path, kinds: Iterable[ModelKind]) -> bool:
        """Whether usable files of one of these kinds may lie below a root."""
        allowed = self.kinds.get(root)
        return allowed is None or not allowed.isdisjoint(kinds)

    def root_of(self, path: Path) -> Path | None:
        """The nearest of the folders that a path lies below."""
        known = {*self.roots, *([self.starter] if self.starter else [])}
        return next((parent for parent in path.parents if parent in known), None)


def kinds_of_folder(name: str) -> Kinds:
    """Which kinds A1111 keeps in one of its folders."""
    kinds = frozenset(kind for kind, facts in FACTS.items() if name in facts.folders)
    return kinds | PICTURE_KINDS if kinds & PICTURE_KINDS else kinds


def _home(kind: ModelKind, paths: Paths) -> Path:
    folders = FACTS[kind].folders or FACTS[ModelKind.CHECKPOINT].folders
    if folders[0] == EMBEDDINGS:
        return paths.embeddings
    for use, leader in FLAG_KINDS.items():
        if FACTS[leader].folders[0] == folders[0] and use in paths.extra:
            return paths.extra[use][0]
    return paths.models / folders[0]


def find_files(folders: ModelFolders) -> Iterator[FoundFile]:
    """Every model file below the folders, each once, the bundled checkpoint last."""
    roots = [*folders.roots, *([folders.starter] if folders.starter else [])]
    real_roots = {root: os.path.realpath(root) for root in roots}
    seen: set[str] = set()
    for root in roots:
        # A root that lies in another is for its own kinds, so the other leaves it out.
        inner = {real for real in real_roots.values() if real != real_roots[root]}
        yield from Walk(root, seen, inner, root in folders.embeddings).files(
            str(root), real_roots[root], "", MAX_DEPTH
        )


def describe_file(root: Path, path: Path) -> FoundFile | None:
    """A single file or diffusers folder below a root; None if it is gone."""
    try:
        if path.is_dir():
            size, changed = diffusers_stamp(path)
        elif is_regular(path):
            stat = path.stat()
            size, changed = stat.st_size, stat.st_mtime_ns
        else:
            return None
    except OSError:
        return None
    return FoundFile(path, root, readable(path.relative_to(root).as_posix()), size, changed)


@dataclass(frozen=True, slots=True)
class Walk:
    """Goes through a root: links are followed, nothing is visited twice, hidden names are left out.

    `seen` and `others` are real paths: what was visited, and roots that are walked on their own. `pictures`
    may be model files too, but for those that are named like one.
    """

    root: Path
    seen: set[str]
    others: set[str]
    pictures: bool = False

    def files(self, folder: str, real: str, name: str, depth: int) -> Iterator[FoundFile]:
        """Files below a folder, whose name below the root is `name` (with "/" at its end, or empty)."""
        if real in self.seen or depth == 0:
            return
        self.seen.add(real)
        # Absent or unreadable folders hold no models; A1111's layout names many that nobody makes.
        listing = entries_of(folder)
        names = {entry.name for entry in listing}
        for entry in listing:
            if entry.name.startswith("."):
                continue
            is_model = has_model_suffix(entry.name) or (self.pictures and is_lone_picture(entry.name, names))
            is_model = is_model and not is_unfinished(entry.name, names)
            if is_model and is_regular_entry(entry):
                yield from self._file(entry, real, name)
            elif is_folder_entry(entry):
                yield from self._folder(entry, real, name, depth)

    def _file(self, entry: "os.DirEntry[str]", real: str, name: str) -> Iterator[FoundFile]:
        place = os.path.realpath(entry.path) if entry.is_symlink() else f"{real}{os.sep}{entry.name}"
        if place in self.seen:
            return
        self.seen.add(place)
        try:
            stat = entry.stat()
        except OSError:
            return
        yield FoundFile(
            Path(entry.path), self.root, readable(name + entry.name), stat.st_size, stat.st_mtime_ns
        )

    def _folder(self, entry: "os.DirEntry[str]", real: str, name: str, depth: int) -> Iterator[FoundFile]:
        place = os.path.realpath(entry.path) if entry.is_symlink() else f"{real}{os.sep}{entry.name}"
        if place in self.others:
            return
        path = Path(entry.path)
        if not is_diffusers_folder(path):
            yield from self.files(entry.path, place, f"{name}{entry.name}/", depth - 1)
        elif place not in self.seen:
            self.seen.add(place)
            try:
                size, changed = diffusers_stamp(path)
            except OSError:
                return
            yield FoundFile(path, self.root, readable(name + entry.name), size, changed)


def has_model_suffix(name: str) -> bool:
    """Whether a file's name ends as those of models do."""
    return os.path.splitext(name)[1].lower() in MODEL_SUFFIXES  # noqa: PTH122 - 20,000 names, no paths


def is_lone_picture(name: str, names: set[str]) -> bool:
    """Whether a picture is no preview by its name and the names beside it."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - as above
    if suffix.lower() not in PICTURE_SUFFIXES or stem.lower().endswith(PREVIEW):
        return False
    return not any(stem + other in names for other in MODEL_SUFFIXES)


def is_unfinished(name: str, names: set[str]) -> bool:
    """Whether a file is still being written, by its name and the names beside it."""
    return is_temporary(name) or is_being_written(name, names)


def diffusers_stamp(path: Path) -> tuple[int, int]:
    """Size and latest change of a diffusers folder's weights."""
    stats = [file.stat() for part in DIFFUSERS_PARTS for file in diffusers_weight_files(path / part)]
    return sum(stat.st_size for stat in stats), max((stat.st_mtime_ns for stat in stats), default=0)
