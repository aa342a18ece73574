"""A VAE's work in tiles that fade into each other, for pictures that do not fit into the memory whole.

First a few tiles tell what the group norms see of the picture, then all are made with these numbers. What is
left of a difference from the whole picture is that the middle attention sees a tile only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from webui.models.vae.shared_norms import fix_norms, measure_norms
from webui.models.vae.tiles import TileLayout, fades, spans

RunVae = Callable[[Tensor], Tensor]
Span = tuple[int, int]
# Tiles that are looked at first; more of them change little.
MOST_MEASURED = 9


@dataclass(frozen=True, slots=True)
class Scale:
    """How many pixels of what goes in and of what comes out lie along one latent pixel."""

    given: int
    result: int


def decode_in_tiles(
    network: nn.Module, run: RunVae, given: Tensor, tiling: TileLayout, scale: Scale
) -> Tensor:
    """`run` of the network on (1, C, H, W), nearly as it were for the whole; float32, on the CPU.

    `tiling` counts latent pixels.
    """
    rows, columns = (spans(side // scale.given, tiling) for side in given.shape[2:])
    places = list(product(rows, columns))
    if len(places) == 1:
        return run(given)
    with measure_norms(network) as sums:
        for row, column in places[:: -(-len(places) // MOST_MEASURED)]:
            run(part(given, row, column, scale.given))
    with fix_norms(sums):
        return blend_tiles(run, given, rows, columns, scale)


def decode_in_seamless_tiles(
    network: nn.Module, run: RunVae, given: Tensor, tiling: TileLayout, scale: Scale
) -> Tensor:
    """The same for a picture whose edges fit together, and do so afterwards."""
    around = [min(tiling.overlap * scale.given, side) for side in given.shape[2:]]
    widened = functional.pad(given, (around[1], around[1], around[0], around[0]), mode="circular")
    result = decode_in_tiles(network, run, widened, tiling, scale)
    top, left = (side * scale.result // scale.given for side in around)
    return result[:, :, top : result.shape[2] - top, left : result.shape[3] - left].contiguous()


def blend_tiles(run: RunVae, given: Tensor, rows: list[Span], columns: list[Span], scale: Scale) -> Tensor:
    """All tiles, each weighed less towards its edges."""
    result: Tensor | None = None
    for row, row_weight in zip(rows, fades(rows, scale.result), strict=True):
        for column, column_weight in zip(columns, fades(columns, scale.result), strict=True):
            made = run(part(given, row, column, scale.given)).float().cpu()
            if result is None:
                height, width = rows[-1][1] * scale.result, columns[-1][1] * scale.result
                result = torch.zeros(1, made.shape[1], height, width)
            weight = torch.outer(torch.from_numpy(row_weight), torch.from_numpy(column_weight))
            part(result, row, column, scale.result).add_(made * weight)
    assert result is not None, "there is always a tile"
    return result


def part(whole: Tensor, row: Span, column: Span, pixels: int) -> Tensor:
    """A view of a tile; `pixels` lie along one of those that the spans count."""
    return whole[:, :, row[0] * pixels : row[1] * pixels, column[0] * pixels : column[1] * pixels]
