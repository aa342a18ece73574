"""Pictures in tiles: where they lie, how they overlap, and how their results become one without seams.

Tiles stand in rows and columns. Over an overlap one result fades into the next, first along a row, then from
row to row. Rows are finished one after the other, so that only one is held in 32-bit numbers.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Pixels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float32]
RunTile = Callable[[Tensor], Tensor]
MAX_BYTE = 255


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Pixels of the picture given: side of a tile (0: no tiles), overlap, side of the network's windows."""

    tile: int
    overlap: int
    window: int = 1


@dataclass(frozen=True, slots=True)
class TileDone:
    """So many of a picture's tiles are done."""

    done: int
    of: int


def spans(size: int, tiling: TileLayout) -> list[tuple[int, int]]:
    """Begin and end of each tile along a side. All begin at multiples of the window; none is much smaller.

    Each overlaps the next by `overlap` pixels or a few more.
    """
    if tiling.tile <= 0 or size <= tiling.tile:
        return [(0, size)]
    overlap = min(tiling.overlap, tiling.tile // 2)
    stride = max((tiling.tile - overlap) // tiling.window * tiling.window, tiling.window)
    last = (size - tiling.tile) // tiling.window * tiling.window
    begins = [*range(0, last, stride), last]
    found = [(begin, begin + tiling.tile) for begin in begins[:-1]]
    # The last tile may be longer by less than a window.
    return [*found, (last, size)]


def fades(parts: list[tuple[int, int]], scale: int) -> list[Numbers]:
    """The weight of each tile at each pixel of its result: together 1 at every pixel."""
    weights = [np.ones((end - begin) * scale, np.float32) for begin, end in parts]
    for place, ((_, end), (begin, _)) in enumerate(pairwise(parts)):
        overlap = (end - begin) * scale
        if overlap > 0:
            ramp = ramp_over(overlap)
            weights[place][-overlap:] *= 1 - ramp
            weights[place + 1][:overlap] *= ramp
    # The last tile may reach back over more than one.
    together = np.zeros(parts[-1][1] * scale, np.float32)
    for (begin, end), weight in zip(parts, weights, strict=True):
        together[begin * scale : end * scale] += weight
    return [
        weight / together[begin * scale : end * scale]
        for (begin, end), weight in zip(parts, weights, strict=True)
    ]


def ramp_over(overlap: int) -> Numbers:
    """From 0 to 1 over an overlap, rising in its middle half only.

    Next to its edge a tile's result suffers most from what the network could not see beyond.
    """
    quarter = overlap // 4
    rise = overlap - 2 * quarter
    middle = (np.arange(rise) + 0.5) / rise
    return np.concatenate([np.zeros(quarter), middle, np.ones(quarter)]).astype(np.float32)


def run_in_tiles(
    picture: Pixels, run: RunTile, tiling: TileLayout, scale: int
) -> Generator[TileDone, None, Pixels]:
    """Run a network over a picture (H, W, C); returns the result (H*scale, W*scale, C).

    Between two tiles the generator may be closed.
    """
    height, width, colours = picture.shape
    rows, columns = spans(height, tiling), spans(width, tiling)
    row_fades, column_fades = fades(rows, scale), fades(columns, scale)
    result = np.empty((height * scale, width * scale, colours), np.uint8)
    # What the row before has already put into the pixels that the next row overlaps.
    carried: Numbers = np.zeros((0, width * scale, colours), np.float32)
    for number, (top, bottom) in enumerate(rows):
        strip: Numbers = np.zeros(((bottom - top) * scale, width * scale, colours), np.float32)
        for place, (left, right) in enumerate(columns):
            tile = run(to_tensor(picture[top:bottom, left:right]))
            strip[:, left * scale : right * scale] += to_array(tile) * column_fades[place][None, :, None]
            yield TileDone(number * len(columns) + place + 1, len(rows) * len(columns))
        strip *= row_fades[number][:, None, None]
        strip[: len(carried)] += carried
        # The rest waits for the next row.
        until = rows[number + 1][0] if number + 1 < len(rows) else bottom
        whole, carried = np.split(strip, [(until - top) * scale])
        result[top * scale : until * scale] = to_bytes(whole)
    return result


def to_tensor(pixels: Pixels) -> Tensor:
    """(H, W, C) bytes to (1, C, H, W) in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / MAX_BYTE).permute(2, 0, 1)[None].contiguous()


def to_array(tensor: Tensor) -> Numbers:
    """(1, C, H, W) to (H, W, C)."""
    return tensor[0].permute(1, 2, 0).numpy()


def to_bytes(numbers: Numbers) -> Pixels:
    """[0, 1] to rounded bytes."""
    return (numbers.clip(0, 1) * MAX_BYTE + 0.5).astype(np.uint8)
