"""What a VAE does when the memory runs out: tiles, then smaller tiles, then the processor."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from webui.models.vae.tiles import TileLayout

LAYERS_AT_ONCE = 4
KIB = 1024
NO_END = 2**63
# Where Linux tells of its memory, and of a container's.
MEMORY, CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class VaeStrategy:
    """One way to do the work; `description` tells the artist of it."""

    description: str
    tiling: TileLayout | None = None
    on_cpu: bool = False


# Sides in latent pixels. A quarter of a tile overlaps, so that group norms differ slowly over a picture.
WHOLE = VaeStrategy("whole")
TILES = VaeStrategy("in tiles", TileLayout(64, 16))
SMALL_OVERLAP = 12
SMALL_TILES = VaeStrategy("in small tiles", TileLayout(32, SMALL_OVERLAP))
LEAST_TILE = 16
TINY_TILES = VaeStrategy("in tiny tiles", TileLayout(LEAST_TILE, 6))
ON_CPU = VaeStrategy("on the processor, which is slow", TileLayout(64, 16), on_cpu=True)


def vae_strategies(device: torch.device) -> tuple[VaeStrategy, ...]:
    """What there is to try on a device, the best first."""
    last = TINY_TILES if device.type == "cpu" else ON_CPU
    return (WHOLE, TILES, SMALL_TILES, last)


def with_tiles(strategies: Sequence[VaeStrategy], side: int) -> tuple[VaeStrategy, ...]:
    """Tiles of a chosen side (latent pixels) first, then what takes less memory; 0 leaves all as it is."""
    if side <= 0:
        return tuple(strategies)
    side = max(side, LEAST_TILE)
    # As of the tiles above: small ones overlap by more of themselves.
    overlap = max(side // 4, min(SMALL_OVERLAP, side * 3 // 8))
    chosen = VaeStrategy("in tiles of the chosen size", TileLayout(side, overlap))
    smaller = [each for each in strategies if each.on_cpu or (each.tiling and each.tiling.tile < side)]
    return (chosen, *smaller)


def bytes_per_pixel(channels: Sequence[int], dtype: torch.dtype) -> int:
    """Memory that decoding takes for each pixel of the picture, about; encoding takes less.

    At full size the last level holds a few layers of the second level's width at once: 4100 bytes were
    measured for Stable Diffusion's VAE (256 channels there) in 32 bits, 1600 in bfloat16.
    """
    return LAYERS_AT_ONCE * channels[min(1, len(channels) - 1)] * dtype.itemsize


def first_to_fit(
    strategies: Sequence[VaeStrategy], latent_pixels: int, needed_bytes: int, free: int | None
) -> int:
    """The first that is worth trying, by what each latent pixel needs; 0 where nothing is known."""
    if free is None:
        return 0
    for number, strategy in enumerate(strategies):
        pixels = min(strategy.tiling.tile**2, latent_pixels) if strategy.tiling else latent_pixels
        if pixels * needed_bytes <= free:
            return number
    # Better to try than to refuse by an estimate.
    return len(strategies) - 1


def free_bytes(device: torch.device) -> int | None:
    """What a processor's memory has room for; None where it is not known, or where asking too much is safe.

    A device refuses what does not fit. Linux does not: it ends the program that took too much.
    """
    if device.type != "cpu":
        return None
    try:
        lines = MEMORY.read_text().splitlines()
        free = next(int(line.split()[1]) * KIB for line in lines if line.startswith("MemAvailable:"))
        return min(free, container_bytes())
    except (OSError, ValueError, StopIteration):
        return None


def container_bytes() -> int:
    """Room in the container that the program runs in; no end where it is in none."""
    try:
        limit, used = ((CONTAINER / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(int(limit) - int(used), 0)
    except (OSError, ValueError):
        return NO_END
