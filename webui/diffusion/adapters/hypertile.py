"""HyperTile (Fernandes 2023): self-attention within tiles of the picture, whose sizes change with each step.

Attention costs the square of its tokens, so large pictures take less time; the changing sizes keep the tiles'
edges from being seen. Options, depths and the choice of sizes are A1111's, with its draws from Python's
random. Its pictures differ where following it would be no gain: it takes the sides of pictures that are not
square for each other, and draws on from batch to batch and for the VAE, so that previews change the picture.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import gcd
from random import Random
from typing import Any, ClassVar

from torch import Tensor, nn

# Pixels of a latent's cell, and the least side of a tile in pixels.
CELL, LEAST_TILE = 8, 128
SELF_ATTENTION = re.compile(r"\b(?:(down|up)_blocks\.(\d+)|mid_block)\..*\battn1$")
# Not the first of several transformers in one place, as SDXL has them.
LATER_TRANSFORMER = re.compile(r"\btransformer_blocks\.[1-9]\d*\.attn1$")
# Height and width in tokens, and into how many tiles each is parted.
Layout = tuple[int, int, int, int]
VAE_ATTENTION = re.compile(r"\bdecoder\.mid_block\.attentions\.0$")


@dataclass(frozen=True, slots=True)
class TileChoice:
    """How the sides of a picture are parted: `tile` is the wanted side in pixels, `swap` how many counts of
    tiles are chosen from, `seed` what chooses.
    """

    tile: int
    swap: int
    seed: int

    def counts(self, random: Random, height: int, width: int, depth: int) -> tuple[int, int]:
        """Into how many tiles `height` and `width` tokens of a layer are parted; deeper ones into fewer."""
        least = max(LEAST_TILE, self.tile) // CELL * 2**depth
        # Height first, as A1111 draws.
        rows, columns = (choose_count(random, side, least, self.swap) for side in (height, width))
        return rows, columns


def largest_tile(width: int, height: int, most: int) -> int:
    """The side of tiles in pixels: the largest power of two that parts both sides, at most `most`."""
    common = gcd(width, height)
    return min(common & -common, most)


def choose_count(random: Random, side: int, least: int, options: int) -> int:
    """How many tiles a side has: one of the `options` greatest counts whose tiles are whole and not below
    `least`.
    """
    tiles = [tile for tile in range(min(least, side), side + 1) if side % tile == 0]
    counts = [side // tile for tile in tiles[: max(1, options)]]
    return counts[random.randint(0, len(counts) - 1)]


def tile_tokens(hidden: Tensor, height: int, width: int, rows: int, columns: int) -> Tensor:
    """Tokens (B, height * width, D) as (B * rows * columns, tokens of a tile, D)."""
    batch, _, channels = hidden.shape
    tiles = hidden.reshape(batch, rows, height // rows, columns, width // columns, channels)
    return tiles.transpose(2, 3).reshape(batch * rows * columns, -1, channels)


def untile_tokens(tiles: Tensor, height: int, width: int, rows: int, columns: int) -> Tensor:
    """The inverse of `tile_tokens`."""
    channels = tiles.shape[-1]
    hidden = tiles.reshape(-1, rows, columns, height // rows, width // columns, channels)
    return hidden.transpose(2, 3).reshape(-1, height * width, channels)


@dataclass(frozen=True, slots=True)
class Level:
    """Where self-attention lies: how often the latent was halved, its depth among levels with attention."""

    halvings: int
    depth: int

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The layer's height and width in tokens, of a latent's."""
        for _ in range(self.halvings):
            height, width = (height + 1) // 2, (width + 1) // 2
        return height, width


@dataclass(frozen=True, slots=True)
class HyperTile:
    """Tiles the self-attention of a U-Net, from its finest level to `max_depth` (0 to 3)."""

    fits_all_families: ClassVar[bool] = True
    choice: TileChoice
    max_depth: int

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the network and its self-attention while the context is open."""
        random = Random(self.choice.seed)
        size = [0, 0]
        # One draw for each layer and evaluation, even where memory makes it take several calls.
        drawn: dict[str, tuple[int, int]] = {}

        def begin_evaluation(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            latent = args[0] if args else kwargs["latent"]
            size[:] = latent.shape[-2:]
            drawn.clear()

        def layout_of(name: str, level: Level, tokens: int) -> Layout | None:
            height, width = level.size(*size)
            # Merged tokens are no picture any more.
            if height * width != tokens:
                return None
            if name not in drawn:
                drawn[name] = self.choice.counts(random, height, width, level.depth)
            rows, columns = drawn[name]
            return (height, width, rows, columns) if rows * columns > 1 else None

        with ExitStack() as stack:
            hook = network.register_forward_pre_hook(begin_evaluation, with_kwargs=True)
            stack.callback(hook.remove)
            modules = dict(network.named_modules())
            for name, level in levels_of(modules).items():
                if level.depth <= self.max_depth:
                    listen(modules[name], partial(layout_of, name, level), stack)
            yield


def levels_of(modules: dict[str, nn.Module]) -> dict[str, Level]:
    """The self-attention layers of a U-Net by name, in the order in which it calls them."""
    found = {name: match for name in modules if (match := SELF_ATTENTION.search(name))}
    blocks = [int(at) for name in modules for at in re.findall(r"\bdown_blocks\.(\d+)$", name)]
    last = max(blocks, default=0)

    def halvings_of(match: re.Match[str]) -> int:
        if match[1] is None:
            return last
        return int(match[2]) if match[1] == "down" else last - int(match[2])

    finest = sorted({halvings_of(match) for match in found.values() if match[1] is not None})

    def depth_of(name: str, match: re.Match[str]) -> int:
        # The middle is deeper than all, whatever its size.
        if match[1] is None:
            return len(finest)
        depth = finest.index(halvings_of(match))
        # A1111 counts the later transformers of the finest level to the next one.
        return 1 if depth == 0 and LATER_TRANSFORMER.search(name) else depth

    return {name: Level(halvings_of(match), depth_of(name, match)) for name, match in found.items()}


def listen(attention: nn.Module, layout_of: Callable[[int], Layout | None], stack: ExitStack) -> None:
    """Part what goes into a layer and join what comes out, where `layout_of` its tokens gives a layout."""
    layout: list[Layout | None] = [None]

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - torch's
        layout[0] = layout_of(args[0].shape[1])
        return None if layout[0] is None else ((tile_tokens(args[0], *layout[0]), *args[1:]), kwargs)

    def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        return output if layout[0] is None else untile_tokens(output, *layout[0])

    stack.callback(attention.register_forward_pre_hook(before, with_kwargs=True).remove)
    stack.callback(attention.register_forward_hook(after).remove)


@dataclass(frozen=True, slots=True)
class VaeHyperTile:
    """Tiles the attention of a VAE's decoder, whose input is (B, C, h, w)."""

    choice: TileChoice

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the decoder's attention while the context is open."""
        with ExitStack() as stack:
            for name, module in network.named_modules():
                if VAE_ATTENTION.search(name):
                    self._listen(module, stack)
            yield

    def _listen(self, attention: nn.Module, stack: ExitStack) -> None:
        counts = [(1, 1)]

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - torch's
            hidden: Tensor = args[0]
            # From the seed anew: a decoder that is called again chooses the same.
            counts[0] = self.choice.counts(Random(self.choice.seed), hidden.shape[2], hidden.shape[3], 0)
            return (tile_picture(hidden, *counts[0]), *args[1:]), kwargs

        def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
            return untile_picture(output, *counts[0])

        stack.callback(attention.register_forward_pre_hook(before, with_kwargs=True).remove)
        stack.callback(attention.register_forward_hook(after).remove)


def tile_picture(hidden: Tensor, rows: int, columns: int) -> Tensor:
    """(B, C, h, w) as (B * rows * columns, C, height of a tile, width of a tile)."""
    batch, channels, height, width = hidden.shape
    tiles = hidden.reshape(batch, channels, rows, height // rows, columns, width // columns)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, height // rows, width // columns)


def untile_picture(tiles: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of `tile_picture`."""
    _, channels, height, width = tiles.shape
    hidden = tiles.reshape(-1, rows, columns, channels, height, width)
    return hidden.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, rows * height, columns * width)
