"""What arrives is told by its content and filed in its folder, pointed out as known, or refused."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from webui.core.errors import UnusableFile, WebuiError
from webui.core.model_file import ModelFile, ModelKind
from webui.core.preset import looks_like_preset
from webui.core.settings import Paths
from webui.library.catalog.catalog import Catalog
from webui.library.intake.archives import unpack
from webui.library.intake.arrival import Arrival, refuse_arrival
from webui.library.intake.containers import (
    MODEL_SUFFIXES,
    Container,
    container_of,
    correct_suffix,
    other_archive,
)
from webui.library.intake.destinations import destination
from webui.library.intake.duplicates import find_same
from webui.library.intake.named_models import named_models
from webui.library.intake.texts import add_styles, add_wildcard, is_infotext, is_styles, read_text
from webui.library.recognise.identify import Identity, identify_file
from webui.library.recognise.kinds import describe, noun
from webui.store.files.atomic import storage_errors
from webui.store.files.regular_files import folders_below
from webui.store.files.staging import file_away, remove_copies, sha256_of_file
from webui.store.header_cache import HeaderCache
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.plain_pictures import keep_picture
from webui.store.reading import read_infotext
from webui.store.sidecars import sidecars_of

logger = logging.getLogger(__name__)

WILDCARDS = "wildcards"
MAX_PICTURE_BYTES = 256 * 2**20
MODELS_IN_FILES = (Container.SAFETENSORS, Container.PICKLE, Container.GGUF)
# From the name and the content of a preset's file to what became of it.
TakePreset = Callable[[str, bytes], Arrival]


class Intake:
    """Takes files over, one at a time. Any thread."""

    def __init__(
        self, catalog: Catalog, cache: HeaderCache, paths: Paths, inputs: Inputs, take_preset: TakePreset
    ) -> None:
        """Models go where the catalog looks, pictures to `inputs`, texts where `paths` says."""
        self._take_preset = take_preset
        self._catalog = catalog
        self._cache = cache
        self._paths = paths
        self._inputs = inputs
        # One at a time, so that of two equal files the second is seen to be a duplicate.
        self._lock = threading.Lock()

    def take(self, path: Path, sha256: str | None = None) -> list[Arrival]:
        """Take over a file, which is moved away or left to be deleted. Never raises for what the file holds.

        The folder of `path` must be its own: archives are unpacked beside it. `sha256` is the file's.
        """
        with self._lock:
            return self._take(path, sha256)

    def clean(self) -> None:
        """After a start: remove what a killed server left half-copied."""
        wildcards = self._paths.root / WILDCARDS
        remove_copies((*self._catalog.folders.roots, *folders_below(wildcards)))

    def _take(self, path: Path, sha256: str | None) -> list[Arrival]:
        try:
            with storage_errors(path):
                container = container_of(path)
            if container is Container.ARCHIVE:
                return self._take_archive(path)
            return [self._take_one(path, container, sha256)]
        except WebuiError as error:
            return [refuse_arrival(path.name, str(error))]

    def _take_one(self, path: Path, container: Container, sha256: str | None) -> Arrival:
        if container in MODELS_IN_FILES:
            return self._take_model(path, container, sha256)
        if container is Container.PICTURE:
            return self._take_picture(path, sha256)
        return self._take_text(path)

    def _take_model(self, path: Path, container: Container, sha256: str | None) -> Arrival:
        arrived = path.name
        path = correct_suffix(path, container)
        identity = identify_file(path)
        if identity.kind is ModelKind.UNKNOWN:
            raise UnusableFile(identity.reason or f"{arrived} is no model that is known here.")
        return self._file_model(path, identity, sha256 or sha256_of_file(path), arrived)

    def _file_model(self, path: Path, identity: Identity, sha256: str, arrived: str) -> Arrival:
        known = find_same(self._catalog, path.stat().st_size, sha256, path)
        if known is not None:
            sentence = f"{arrived} is here already, as {known.name}. It was not stored twice."
            return Arrival(outcome="duplicate", name=arrived, sentence=sentence, file=known)
        folder = destination(identity.kind, identity.architecture, self._catalog.folders)
        target = place(path, folder)
        stat = target.stat()
        self._cache.remember_hashes(target, stat.st_size, stat.st_mtime_ns, sha256=sha256)
        file = self._catalog.add(target)
        logger.info("Filed a %s in %s", noun(file.kind), folder.name)
        renamed = f" as {target.name}, because another file has its name" if target.name != path.name else ""
        sentence = f"{describe(file)} Filed in {folder.name}{renamed}."
        return Arrival(outcome="filed", name=arrived, sentence=sentence, file=file)

    def find_same(self, size: int, sha256: str | None) -> ModelFile | None:
        """The file here with the same content, before it is fetched from elsewhere."""
        return find_same(self._catalog, size, sha256) if sha256 else None

    def _take_picture(self, path: Path, sha256: str | None) -> Arrival:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise UnusableFile(f"{path.name} is too large for a picture. Save it smaller.")
        identity = identify_file(path)
        if identity.kind is ModelKind.EMBEDDING:
            return self._file_model(path, identity, sha256 or sha256_of_file(path), path.name)
        kept = keep_picture(self._inputs, path.read_bytes())
        infotext = read_infotext(path).infotext
        named = named_models(infotext, self._catalog) if infotext else ()
        missing = sum(model.state != "here" for model in named)
        sentence = "A picture that does not tell how it was made."
        if infotext:
            sentence = "A picture that tells how it was made." + (
                f" {missing} of its models are not here." if missing else ""
            )
        return Arrival(
            outcome="picture",
            name=path.name,
            sentence=sentence,
            reference=kept.reference,
            width=kept.width,
            height=kept.height,
            infotext=infotext,
            named=named,
        )

    def _take_text(self, path: Path) -> Arrival:
        other = other_archive(path)
        if other:
            raise UnusableFile(f"{path.name} is a {other} archive. Unpack it, and drop what is in it.")
        text = read_text(path)
        if text is not None and looks_like_preset(text):
            return self._take_preset(path.name, path.read_bytes())
        if text is not None and is_styles(text):
            return add_styles(path, self._paths.styles)
        if text is not None and is_infotext(text):
            return Arrival(
                outcome="infotext",
                name=path.name,
                sentence="A text that tells how a picture was made.",
                infotext=text.strip(),
                named=named_models(text, self._catalog),
            )
        if text is not None and text.strip() and path.suffix.lower() == ".txt":
            return add_wildcard(path, self._paths.root / WILDCARDS)
        # A model that is cut off, a login page and so on: the reader of headers says best what it is.
        if path.suffix.lower() in MODEL_SUFFIXES and (reason := identify_file(path).reason):
            raise UnusableFile(reason)
        raise UnusableFile(
            f"{path.name} is nothing that is known here. "
            "Models, pictures, presets, styles.csv, wildcards (.txt) and zips of them can be dropped."
        )

    def _take_archive(self, path: Path) -> list[Arrival]:
        folder = path.parent / "unpacked"
        # A server that was killed while it unpacked left some of it; what it had filed is pointed out below.
        shutil.rmtree(folder, ignore_errors=True)
        files = [file for file in unpack(path, folder) if not is_clutter(file)]
        kinds = {file: container_of(file) for file in files}
        models = [file for file in files if kinds[file] in MODELS_IN_FILES]
        if not models:
            return self._take_texts(path, folder, files, kinds)
        return [arrival for model in models for arrival in self._take_with_sidecars(model, kinds[model])]

    def _take_with_sidecars(self, model: Path, container: Container) -> Iterable[Arrival]:
        """A model of an archive, and what lies beside it there: previews, descriptions."""
        sidecars = sidecars_of(model)
        try:
            arrival = self._take_one(model, container, None)
        except WebuiError as error:
            arrival = refuse_arrival(model.name, str(error))
        if arrival.outcome == "filed" and arrival.file is not None:
            target = arrival.file.path
            for sidecar in sidecars:
                end = sidecar.name.removeprefix(model.stem)
                file_away(sidecar, target.with_name(target.stem + end))
        yield arrival

    def _take_texts(
        self, path: Path, folder: Path, files: list[Path], kinds: dict[Path, Container]
    ) -> list[Arrival]:
        """An archive without models: wildcards keep their folders, the rest is taken one by one."""
        arrivals: list[Arrival] = []
        for file in files:
            try:
                text = read_text(file) if file.suffix.lower() == ".txt" else None
                if text and text.strip() and not is_styles(text) and not is_infotext(text):
                    relative = file.relative_to(folder)
                    arrivals.append(add_wildcard(file, self._paths.root / WILDCARDS, relative))
                elif kinds[file] is not Container.ARCHIVE:
                    arrivals.append(self._take_one(file, kinds[file], None))
            except WebuiError as error:
                arrivals.append(refuse_arrival(file.name, str(error)))
        if not arrivals:
            raise UnusableFile(f"{path.name} holds nothing that is known here.")
        return arrivals


def place(path: Path, folder: Path) -> Path:
    """Move a file into a folder under its name, with a number where it or its sidecars' names are taken."""
    target, number = folder / path.name, 1
    while True:
        if not is_taken(target) and file_away(path, target):
            return target
        target = folder / f"{path.stem}-{number}{path.suffix}"
        number += 1


def is_taken(target: Path) -> bool:
    """Whether a model there would share its name, or the sidecars of another."""
    return target.exists() or any(target.with_suffix(suffix).exists() for suffix in MODEL_SUFFIXES)


def is_clutter(path: Path) -> bool:
    """What programs and systems leave in archives."""
    return "__MACOSX" in path.parts or path.name in ("Thumbs.db", "desktop.ini", "DS_Store")
