"""Files of weights that preprocessors compute with: where they lie, what to say where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from extensions.controlnet.preprocessors.registry import MEGABYTE, Preprocessor, Weight
from webui.plugins import ModelKind, NotFound, UnusableFile, read_header

ANNOTATORS = "annotators"
# What networks of preprocessors are recognised as: LaMa is told among upscalers.
WEIGHT_KINDS = (ModelKind.DETECTOR, ModelKind.UPSCALER)
# A1111's and Forge's folders, below models/.
FOREIGN_FOLDERS = ("ControlNetPreprocessor", "annotators")


def annotator_folders(catalog: Any) -> tuple[Path, ...]:  # noqa: ANN401 - the catalog, of a floor below
    """Where files of preprocessors are looked for; what is fetched through the page lies in the last."""
    home: Path = catalog.folders.home(ModelKind.CONTROLNET)
    detectors: Path = catalog.folders.home(ModelKind.DETECTOR)
    return (home / ANNOTATORS, *(detectors.with_name(name) for name in FOREIGN_FOLDERS), detectors)


def find_weight(weight: Weight, catalog: Any) -> Path | None:  # noqa: ANN401 - as above
    """The file by its name, or by the tensor that only it has; None if it is nowhere."""
    return next(places_of(weight, catalog), None)


def places_of(weight: Weight, catalog: Any) -> Iterator[Path]:  # noqa: ANN401 - as above
    """Everywhere that the file lies, the best place first."""
    names = (weight.file, *weight.other_files)
    for folder in annotator_folders(catalog):
        for path in (each for name in names for each in (folder / name, folder / weight.folder / name)):
            if path.is_file():
                yield path
    for kind in WEIGHT_KINDS:
        for path in (Path(file.path) for file in catalog.all_files(kind)):
            if path.is_file() and (
                path.name in names or (kind is ModelKind.DETECTOR and has_tensor(path, weight))
            ):
                yield path


def has_tensor(path: Path, weight: Weight) -> bool:
    """Whether a file has the tensor by which a weight is known."""
    return bool(weight.tensor) and weight.tensor in names_in(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def names_in(path: Path, changed: int) -> frozenset[str]:
    """The names of the tensors of a file, last changed then; none of what is no model file."""
    del changed  # another file's names under the same path are not remembered
    try:
        return frozenset(read_header(path).tensors)
    except (UnusableFile, OSError):
        return frozenset()


def find_weights(entry: Preprocessor, context: Any) -> tuple[Path, ...]:  # noqa: ANN401 - see `preprocess`
    """The files of a preprocessor, in their order. Raises NotFound with a sentence for the first missing."""
    found: list[Path] = []
    for weight in entry.weights:
        path = find_weight(weight, context.models.catalog) if context is not None else None
        if path is None:
            raise NotFound(describe_missing(entry, weight))
        found.append(path)
    return tuple(found)


def missing_weights(entry: Preprocessor, catalog: Any) -> tuple[Weight, ...]:  # noqa: ANN401 - as above
    """Those that are nowhere."""
    return tuple(weight for weight in entry.weights if find_weight(weight, catalog) is None)


def describe_missing(entry: Preprocessor, weight: Weight) -> str:
    """Which file is missing, where it comes from, its size and licence, and where to put it."""
    return (
        f"The preprocessor {entry.name} needs {weight.file} ({weight.size_bytes / MEGABYTE:.0f} MB, licence: "
        f"{weight.licence}). Get it from {weight.page} and put it into models/ControlNet/{ANNOTATORS}."
    )
