"""A network that is run on overlapping tiles, and their results as one.

MultiDiffusion (Bar-Tal et al. 2023) takes the mean of what overlaps, Mixture of Diffusers (Álvaro Barbero
Jiménez 2023) weighs each tile by a bell around its middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from extensions.tiled_diffusion.part import TiledDiffusion
from webui.plugins import DenoisingNetwork

# Of the bell, in squares of the tile's side.
VARIANCE = 0.01
# A tile moves on by so many cells at least.
LEAST_STRIDE = 4
IMAGE_AXES = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """Cells of the latent."""

    top: int
    left: int
    height: int
    width: int

    def crop(self, values: Tensor, height: int, width: int) -> Tensor:
        """Its part of (..., h, w), which stands for the whole `height` x `width` and may be coarser."""
        rows = place(self.top, self.height, height, values.shape[-2])
        columns = place(self.left, self.width, width, values.shape[-1])
        return values[..., rows, columns]


def place(begin: int, size: int, whole: int, coarse: int) -> slice:
    """Where a span of the whole lies in what has fewer cells, each level having half as many, rounded up."""
    side = whole
    while side > coarse:
        side, size = (side + 1) // 2, (size + 1) // 2
    first = min(round(begin * coarse / whole), coarse - size)
    return slice(first, first + size)


def starts(whole: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along a side: evenly, each overlapping the next by `overlap` or more."""
    if tile >= whole:
        return [0]
    count = math.ceil((whole - overlap) / (tile - overlap))
    return [int(number * (whole - tile) / (count - 1)) for number in range(count)]


def find_tiles(height: int, width: int, part: TiledDiffusion) -> list[Tile]:
    """The tiles of a latent, row by row."""
    tile_height, tile_width = min(part.tile_height, height), min(part.tile_width, width)
    overlap = max(0, min(part.overlap, min(part.tile_height, part.tile_width) - LEAST_STRIDE))
    return [
        Tile(top, left, tile_height, tile_width)
        for top in starts(height, tile_height, min(overlap, tile_height - 1))
        for left in starts(width, tile_width, min(overlap, tile_width - 1))
    ]


def bell(height: int, width: int) -> Tensor:
    """The weight of each cell of a tile (h, w), highest in the middle."""

    def along(side: int) -> Tensor:
        places = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
        return torch.exp(-(places**2) / side**2 / (2 * VARIANCE))

    return (along(height)[:, None] * along(width)[None]).float()


class TiledNetwork:
    """Wraps the network of a pass."""

    fits_all_families: ClassVar[bool] = True

    def __init__(self, part: TiledDiffusion) -> None:
        self.part = part

    def __call__(self, network: DenoisingNetwork) -> DenoisingNetwork:
        """What is called in the network's place."""

        def run(
            latent: Tensor,
            timestep: Tensor,
            crossattn: Tensor,
            vector: Tensor | None,
            **residuals: Any,  # noqa: ANN401 - as the network's own
        ) -> Tensor:
            height, width = latent.shape[-2:]
            tiles = find_tiles(height, width, self.part)
            if len(tiles) == 1:
                return network(latent, timestep, crossattn, vector, **residuals)
            total, weights = None, latent.new_zeros(height, width)
            weight = self._weight(tiles[0]).to(latent.device)
            for first in range(0, len(tiles), self.part.tile_batch_size):
                chosen = tiles[first : first + self.part.tile_batch_size]
                count = len(chosen)
                parts = network(
                    torch.cat([tile.crop(latent, height, width) for tile in chosen]),
                    timestep.repeat(count),
                    crossattn.repeat(count, 1, 1),
                    None if vector is None else vector.repeat(count, 1),
                    **{name: crop_all(value, chosen, height, width) for name, value in residuals.items()},
                )
                if total is None:
                    total = parts.new_zeros(len(latent), parts.shape[1], height, width)
                for tile, result in zip(chosen, parts.chunk(count), strict=True):
                    tile.crop(total, height, width).add_(result * weight)
                    tile.crop(weights, height, width).add_(weight)
            assert total is not None, "there is a tile"
            return total / weights

        return run

    def _weight(self, tile: Tile) -> Tensor:
        """How much each cell of a tile counts, (h, w)."""
        if self.part.method == "MultiDiffusion":
            return torch.ones(tile.height, tile.width)
        return bell(tile.height, tile.width)


def crop_all(value: Any, tiles: list[Tile], height: int, width: int) -> Any:  # noqa: ANN401 - what residuals are
    """A residual for a batch of tiles: pictures are cropped, all else is repeated."""
    if isinstance(value, list | tuple):
        return type(value)(crop_all(each, tiles, height, width) for each in value)
    if not isinstance(value, Tensor):
        return value
    if value.ndim == IMAGE_AXES:
        return torch.cat([tile.crop(value, height, width) for tile in tiles])
    return value.repeat(len(tiles), *[1] * (value.ndim - 1))
