"""Textual-inversion embeddings (Gal et al. 2022) in every form they are passed around in.

A1111's and diffusers' pickles, safetensors, SDXL's pairs of tensors, and pictures that carry one: as text
beside the pixels, or in the lower bits of their left and right borders.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from webui.core.errors import UnusableFile
from webui.diffusion.text_encoder import TextTower, TextualInversion
from webui.models.file_types import SAFETENSORS_SUFFIXES
from webui.models.headers import is_pickle, read_header
from webui.models.pickles import load_pickle
from webui.models.weights import open_tensors

PICTURE_SUFFIXES = frozenset({".png", ".webp", ".jxl", ".avif"})
TEXT_CHUNK = "sd-ti-embedding"
TENSOR_KEY = "TORCHTENSOR"
FIRST, SECOND, ONLY = "clip_l", "clip_g", ""
PARAMETERS = "string_to_param"
# The largest embedding, 75 vectors of SDXL written as decimals, is 3 MB.
MOST_BYTES = 64 * 2**20
# A picture's colours hide four bits a channel.
LOW_BITS = 0x0F
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
        return None if found is None else embedding_from(found, path.stem, named_inside=True)
    read_header(path)
    with path.open("rb") as file:
        start = file.read(16)
    if is_pickle(start):
        return embedding_from(load_pickle(path), path.stem)
    if path.suffix.lower() not in SAFETENSORS_SUFFIXES:
        raise UnusableFile(f"{path.name} is no embedding. Download it again.")
    return embedding_from(open_tensors(path), path.stem)


def embedding_from(content: object, name: str, *, named_inside: bool = False) -> Embedding:
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


def read_picture(path: Path) -> dict[str, Any] | None:
    """What a picture carries of an embedding; None if it carries none. Raises UnusableFile."""
    try:
        with Image.open(path) as image:
            written = image.info.get(TEXT_CHUNK)
            if isinstance(written, str | bytes):
                return from_json(base64.b64decode(written))
            return from_borders(np.asarray(image.convert("RGB")))
    except (OSError, ValueError, zlib.error, SyntaxError, RecursionError) as error:
        raise UnusableFile(f"{path.name} holds no embedding that can be read.") from error


def from_json(text: bytes) -> dict[str, Any]:
    """Tables in which tensors stand as nested lists."""
    content = json.loads(text, object_hook=_with_tensors)
    if not isinstance(content, dict):
        raise ValueError("a table was expected")
    return content


def _with_tensors(table: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON, or a tensor in its place
    return torch.tensor(table[TENSOR_KEY]) if TENSOR_KEY in table else table


def from_borders(pixels: np.ndarray) -> dict[str, Any] | None:
    """What is hidden in a picture's borders, (H, W, 3) uint8; None if nothing is.

    Left and right of the picture proper, parted from it by black columns, stand the lower and upper halves
    of compressed bytes, each channel's low bits changed by a known sequence.
    """
    pixels = without_black_margin(pixels) & LOW_BITS
    black = np.flatnonzero(pixels.sum(axis=(0, 2)) == 0)
    if len(black) < 2:
        return None
    lower, upper = pixels[:, : black.min()], pixels[:, black.max() + 1 :]
    if lower.shape != upper.shape or lower.size == 0:
        return None
    # The sequence is the same for both.
    sequence = pseudo_random(lower.size).reshape(lower.shape) & LOW_BITS
    joined = ((upper ^ sequence) << 4) | (lower ^ sequence)
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(joined.tobytes(), MOST_BYTES)
    except zlib.error:
        # Two black columns are in many pictures.
        return None
    return from_json(text) if unpacking.eof else None


def without_black_margin(pixels: np.ndarray) -> np.ndarray:
    """The part of a picture between its first and last rows and columns that are not black."""
    bright = (pixels > 0).all(axis=2)
    rows, columns = np.flatnonzero(bright.T.any(axis=0)), np.flatnonzero(bright.any(axis=0))
    if not len(rows):
        return pixels[:0, :0]
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def pseudo_random(count: int) -> np.ndarray:
    """The bytes that the border's bits are changed by, (count,) uint8: a linear congruential generator."""
    state, found = 0, np.empty(count, np.uint8)
    for index in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        found[index] = state % 255
    return found
