"""Textual-inversion embeddings (Gal et al. 2022) in every form they are passed around in.

A1111's and diffusers' pickles, safetensors, SDXL's pairs of tensors, and pictures that carry one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from webui.core.errors import UnusableFile
from webui.diffusion.text_encoder import TextTower, TextualInversion
from webui.library.files.file_types import SAFETENSORS_SUFFIXES
from webui.library.files.headers import is_pickle, read_header
from webui.library.files.picture_embeddings import PICTURE_SUFFIXES, read_tables
from webui.models.files.pickles import load_pickle
from webui.models.files.tensors import open_tensors

FIRST, SECOND, ONLY = "clip_l", "clip_g", ""
PARAMETERS = "string_to_param"
MATRIX = 2


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """One embedding: its vectors (n, width) by the text encoder they are for, and what its trainer noted.

    `vectors` has the key "" alone, or "clip_l" and "clip_g".
    """

    name: str
    vectors: Mapping[str, Tensor]
    step: int | None = None
    sd_checkpoint: str | None = None
    sd_checkpoint_name: str | None = None

    @property
    def count(self) -> int:
        """How many tokens it takes."""
        return next(iter(self.vectors.values())).shape[0]

    @property
    def width(self) -> int:
        """Numbers per token, of both text encoders together."""
        return sum(each.shape[-1] for each in self.vectors.values())

    def for_towers(self, towers: tuple[TextTower, ...]) -> TextualInversion | None:
        """The vectors each text encoder takes; None if it is for others."""
        names = [SECOND if tower.reading.gives_pooled else FIRST for tower in towers]
        if len(towers) == 1 and ONLY in self.vectors:
            names = [ONLY]
        found = [self.vectors.get(name) for name in names]
        chosen = tuple(each for each in found if each is not None)
        fits = len(chosen) == len(towers) and all(
            each.shape[-1] == tower.width for each, tower in zip(chosen, towers, strict=True)
        )
        return TextualInversion(chosen) if fits else None


def read_embedding(path: Path) -> Embedding | None:
    """The embedding in a file; None if it is a picture without one. Raises UnusableFile."""
    if path.suffix.lower() in PICTURE_SUFFIXES:
        found = read_picture(path)
        return None if found is None else make_embedding(found, path.stem, named_inside=True)
    read_header(path)
    with path.open("rb") as file:
        start = file.read(16)
    if is_pickle(start):
        return make_embedding(load_pickle(path), path.stem)
    if path.suffix.lower() not in SAFETENSORS_SUFFIXES:
        raise UnusableFile(f"{path.name} is no embedding. Download it again.")
    return make_embedding(open_tensors(path), path.stem)


def make_embedding(content: object, name: str, *, named_inside: bool = False) -> Embedding:
    """The embedding in tables of a file. Raises UnusableFile."""
    if not isinstance(content, Mapping):
        raise UnusableFile(f"{name} is no embedding: it holds no table of vectors.")
    vectors = vectors_in(content)
    sizes = {each.shape[0] for each in vectors.values()}
    if not vectors or len(sizes) != 1 or any(each.ndim != MATRIX for each in vectors.values()):
        raise UnusableFile(f"{name} is no embedding: it should hold one table of vectors, or SDXL's two.")
    step = content.get("step")
    return Embedding(
        str(content.get("name") or name) if named_inside else name,
        vectors,
        step if isinstance(step, int) else None,
        text_or_none(content.get("sd_checkpoint")),
        text_or_none(content.get("sd_checkpoint_name")),
    )


def vectors_in(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Vectors (n, width) float32 by text encoder; empty if there are none, or several that are not SDXL's."""
    bundled = [value for key, value in content.items() if str(key).startswith(f"{PARAMETERS}.")]
    parameters = content.get(PARAMETERS)
    if isinstance(parameters, Mapping):
        bundled = list(parameters.values())
    if not bundled and FIRST in content and SECOND in content:
        return {name: as_vectors(content[name]) for name in (FIRST, SECOND)}
    tensors = bundled or [value for value in content.values() if isinstance(value, Tensor)]
    return {ONLY: as_vectors(tensors[0])} if len(tensors) == 1 and isinstance(tensors[0], Tensor) else {}


def as_vectors(tensor: Tensor) -> Tensor:
    """One vector as a table of one."""
    # A copy: tensors of a file are mapped, and change with it.
    tensor = tensor.detach().to("cpu", torch.float32, copy=True)
    return tensor[None] if tensor.ndim == 1 else tensor


def text_or_none(value: object) -> str | None:
    """A note of the trainer's."""
    return None if value is None else str(value)


def read_picture(path: Path) -> Mapping[str, Any] | None:
    """What a picture carries of an embedding, tensors in it; None if it carries none. Raises UnusableFile."""
    tables = read_tables(path)
    return None if tables is None else add_tensors(tables)


def add_tensors(value: Any) -> Any:  # noqa: ANN401 - JSON, and arrays, which become tensors
    """Tables with tensors in place of arrays."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    return {key: add_tensors(each) for key, each in value.items()} if isinstance(value, Mapping) else value
