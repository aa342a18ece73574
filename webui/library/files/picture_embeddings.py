"""Embeddings that pictures carry: as text beside the pixels, or in the lower bits of their borders.

Their tables are read without torch, tensors as arrays, so that lists need not wait for it.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from webui.core.errors import UnusableFile
from webui.core.model_file import CARRIED_NAME
from webui.library.files.tensor_table import Header, TensorInfo, flatten
from webui.store.reading import MAX_MEGAPIXELS, open_image

PICTURE_SUFFIXES = frozenset({".png", ".webp", ".jxl", ".avif"})
PICTURE = "picture"
TEXT_CHUNK = "sd-ti-embedding"
TENSOR_KEY = "TORCHTENSOR"
# The largest embedding, 75 vectors of SDXL written as decimals, is 3 MB.
MOST_BYTES = 64 * 2**20
# Borders are looked for in pictures of the size that A1111 makes them, not in posters.
MOST_PIXELS = 20_000_000
# A picture's colours hide four bits a channel.
LOW_BITS = 0x0F
STARTS = (b"\x89PNG\r\n\x1a\n", b"RIFF")
Tables = dict[str, Any]  # Any: JSON values, and arrays in place of tensors


def is_picture(start: bytes) -> bool:
    """Whether a file begins as pictures do that carry embeddings."""
    return start.startswith(STARTS) or start[4:12] == b"ftypavif"


def read_picture_header(path: Path) -> Header:
    """Names and shapes of what a picture carries. Raises UnusableFile if that is nothing."""
    tables = read_tables(path)
    if tables is None:
        raise UnusableFile(f"{path.name} is a picture and carries no embedding.")
    arrays = flatten(tables, np.ndarray, path.name)
    tensors = {name: TensorInfo("F32", tuple(array.shape)) for name, array in arrays.items()}
    name = tables.get("name")
    return Header(tensors, {CARRIED_NAME: name} if isinstance(name, str) and name else {}, layout=PICTURE)


def read_tables(path: Path) -> Tables | None:
    """What a picture carries of an embedding; None if it carries none. Raises UnusableFile."""
    try:
        with open_image(path) as image:
            written = image.info.get(TEXT_CHUNK)
            if isinstance(written, str | bytes):
                return from_json(base64.b64decode(written))
            if image.width * image.height > min(MOST_PIXELS, MAX_MEGAPIXELS * 10**6):
                return None
            return from_borders(np.asarray(image.convert("RGB")))
    except (OSError, ValueError, zlib.error, SyntaxError, RecursionError) as error:
        raise UnusableFile(f"{path.name} holds no embedding that can be read.") from error


def from_json(text: bytes) -> Tables:
    """Tables in which tensors stand as nested lists."""
    content = json.loads(text, object_hook=_with_arrays)
    if not isinstance(content, dict):
        raise ValueError("a table was expected")
    return cast("Tables", content)


def _with_arrays(table: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON, or an array in its place
    return np.asarray(table[TENSOR_KEY], dtype=np.float32) if TENSOR_KEY in table else table


def from_borders(pixels: np.ndarray) -> dict[str, Any] | None:
    """What is hidden in a picture's borders, (H, W, 3) uint8; None if nothing is.

    Left and right of the picture proper, parted from it by black columns, stand the lower and upper halves
    of compressed bytes, each channel's low bits changed by a known sequence.
    """
    pixels = cut_black_margin(pixels) & LOW_BITS
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


def cut_black_margin(pixels: np.ndarray) -> np.ndarray:
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
