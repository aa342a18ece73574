"""A1111's CheckpointInfo and the selected checkpoint, over the catalog."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webui.compat.a1111.facades import file_hashes, reaching, running_context
from webui.core.errors import ModelNotFound, NotFound, UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.core.work.kinds import ModelsRequest
from webui.library.catalog.model_names import aliases, model_name, strip_suffix
from webui.library.files.file_types import SAFETENSORS_SUFFIXES
from webui.library.files.headers import read_header

HASH_DIGITS = 10
SELECTED = "sd_model_checkpoint"


class CheckpointInfo:
    """A checkpoint by all its names. Extensions make them of paths, and set attributes."""

    def __init__(self, filename: str | os.PathLike[str], known: ModelFile | None = None) -> None:
        """Of a file, whether the catalog knows it or not; `known` is what it knows, to spare a search."""
        path = Path(filename).absolute()
        self.filename = str(filename)
        found = known or file_hashes.file_in_catalog(path)
        self._file = found
        self.name = found.name if found else path.name
        self.is_safetensors = path.suffix.lower() in SAFETENSORS_SUFFIXES
        stem = strip_suffix(found) if found else path.stem
        self.name_for_extra = Path(stem).name
        self.model_name = model_name(found) if found else stem
        self.hash: str | None = (found.old_hash if found else None) or file_hashes.old_hash(path)
        self.sha256: str | None = found.sha256 if found else None
        self.shorthash: str | None = self.sha256[:HASH_DIGITS] if self.sha256 else None
        self.metadata: dict[str, Any] = dict(found.metadata) if found else read_metadata(path)
        self.ids = self._names()

    @property
    def title(self) -> str:
        """The name, and the hash once it is known."""
        return f"{self.name} [{self.shorthash}]" if self.shorthash else self.name

    @property
    def short_title(self) -> str:
        """The same without folders."""
        return f"{self.name_for_extra} [{self.shorthash}]" if self.shorthash else self.name_for_extra

    def register(self) -> None:
        """Have it in the lists: a file in one of the model folders is taken into the catalog."""
        services, path = reaching.services(), Path(self.filename).absolute()
        if (
            services is not None
            and file_hashes.file_in_catalog(path) is None
            and services.catalog.folders.root_of(path)
        ):
            services.catalog.add(path)

    def calculate_shorthash(self) -> str | None:
        """The first 10 digits of its SHA-256, computed if need be; None where the file cannot be read."""
        path = Path(self.filename).absolute()
        services, file = reaching.services(), file_hashes.file_in_catalog(path)
        try:
            digest = services.catalog.sha256(file) if services and file else file_hashes.sha256_of(path)
        except (OSError, UnusableFile):
            return None
        self.sha256, self.shorthash = digest, digest[:HASH_DIGITS]
        self.ids = self._names()
        return self.shorthash

    def _names(self) -> list[str]:
        """Everything that finds it."""
        own = [
            self.hash,
            self.sha256,
            self.shorthash,
            self.model_name,
            self.title,
            self.name,
            self.name_for_extra,
        ]
        known = sorted(aliases(self._file)) if self._file else []
        return list(dict.fromkeys(each for each in (*own, *known, f"{self.name} [{self.hash}]") if each))

    def __eq__(self, other: object) -> bool:
        """Of the same file."""
        return isinstance(other, CheckpointInfo) and other.filename == self.filename

    def __hash__(self) -> int:
        """By the file."""
        return hash(self.filename)

    def __str__(self) -> str:
        """Its title."""
        return f"CheckpointInfo({self.title!r})"


def read_metadata(path: Path) -> dict[str, Any]:
    """What a file's header says of itself; nothing where it cannot be read."""
    try:
        return dict(read_header(path).metadata)
    except (OSError, UnusableFile):
        return {}


def info_of(file: ModelFile) -> CheckpointInfo:
    """Of a file of the catalog."""
    return CheckpointInfo(file.path, file)


class CheckpointTable(dict[str, CheckpointInfo]):
    """A1111's `checkpoints_list`: by title, as the catalog knows them now; extensions may change it."""

    def __init__(self) -> None:
        """Empty until it is filled."""
        super().__init__()
        self._listed: list[str] = []

    def fill(self) -> None:
        """List the checkpoints again."""
        self.clear()
        files = known_files()
        self._listed = [file.title for file in files]
        for file in files:
            info = info_of(file)
            self[info.title] = info

    @property
    def is_current(self) -> bool:
        """Whether the catalog still has the same checkpoints, with the same hashes."""
        return self._listed == [file.title for file in known_files()]


def known_files() -> list[ModelFile]:
    """The checkpoints of the catalog, in the order of pickers; none before the program is built."""
    services = reaching.services()
    if services is None:
        return []
    services.catalog.settle(ModelKind.CHECKPOINT)
    return services.catalog.files(ModelKind.CHECKPOINT)


def find(name: str) -> CheckpointInfo | None:
    """The checkpoint of any of A1111's names, or of a part of a title; None if there is none."""
    services = reaching.services()
    if not name or services is None:
        return None
    try:
        return info_of(services.catalog.find_checkpoint(name))
    except (ModelNotFound, UnusableFile):
        return None


def selected() -> CheckpointInfo:
    """The checkpoint of the settings; another where that is gone. Raises ModelNotFound without any."""
    return info_of(selected_file())


def selected_file() -> ModelFile:
    """The same, as the catalog has it."""
    catalog = running_context.ready_services().catalog
    try:
        return catalog.find_checkpoint(reaching.settings().models.sd_model_checkpoint)
    except NotFound:
        return catalog.find_checkpoint("")


def select(info: CheckpointInfo | str | None) -> CheckpointInfo:
    """Select a checkpoint for the runs to come. Raises ModelNotFound, UnusableFile."""
    services = running_context.ready_services()
    if info is None:
        return selected()
    name = info.filename if isinstance(info, CheckpointInfo) else info
    if isinstance(info, CheckpointInfo):
        info.register()
    file = file_hashes.file_in_catalog(Path(name).absolute()) or services.catalog.find_checkpoint(
        info.name if isinstance(info, CheckpointInfo) else info
    )
    if file.name != services.settings.current.models.sd_model_checkpoint:
        services.settings.change({SELECTED: file.name})
    context = running_context.on_this_thread()
    if context is not None:
        running_context.remember(context, file.name)
    return info_of(file)


def load_selected() -> None:
    """Have the selected checkpoint in memory: at once on the device's thread, else by a job."""
    context = running_context.on_this_thread()
    if context is None:
        running_context.finish(ModelsRequest(action="load"))
        return
    # The context has the settings of its job, which may be older.
    options = reaching.settings()
    with context.models.use(
        options.models.sd_model_checkpoint, options.models.sd_vae, options.numbers.precision
    ):
        pass


def unload() -> None:
    """Free the memory of all networks."""
    context = running_context.on_this_thread()
    if context is None:
        running_context.finish(ModelsRequest(action="unload"))
    else:
        context.models.unload()


def family_flags(family: Family) -> Mapping[str, bool]:
    """A1111's attributes of a model that tell its architecture."""
    return {
        "is_sd1": family is Family.SD1,
        "is_sd2": family is Family.SD2,
        "is_sdxl": family in {Family.SDXL, Family.SDXL_REFINER},
        "is_sd3": family is Family.SD3,
        "is_ssd": False,
    }
