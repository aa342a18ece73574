"""What a VAE does when the memory runs out: tiles, then smaller tiles, then the processor."""

import gc
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

from webui.core.errors import OutOfMemory
from webui.models.vae.tiles import TileLayout

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
# What torch says where it has no kind of error for it.
OUT_OF_MEMORY = (
    "not enough memory",
    "out of memory",
    "can't allocate memory",
    "bad_alloc",
    "alloc_failed",
    "bad allocation",
)
LAYERS_AT_ONCE = 4
KIB = 1024
NO_END = 2**63
# Where Linux tells of its memory, and of a container's.
MEMORY, CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
# After so long the whole picture is tried again: other programs may have left.
FORGET_S = 120.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do the work; `words` tell the artist of it."""

    words: str
    tiling: TileLayout | None = None
    on_cpu: bool = False


# Sides in latent pixels. A quarter of a tile overlaps, so that group norms differ slowly over a picture.
WHOLE = Way("whole")
TILES = Way("in tiles", TileLayout(64, 16))
SMALL_TILES = Way("in small tiles", TileLayout(32, 12))
TINY_TILES = Way("in tiny tiles", TileLayout(16, 6))
ON_CPU = Way("on the processor, which is slow", TileLayout(64, 16), on_cpu=True)


def ways(device: torch.device) -> tuple[Way, ...]:
    """The ways there are on a device, the best first."""
    last = TINY_TILES if device.type == "cpu" else ON_CPU
    return (WHOLE, TILES, SMALL_TILES, last)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in OUT_OF_MEMORY)


def bytes_per_pixel(channels: Sequence[int], dtype: torch.dtype) -> int:
    """Memory that decoding takes for each pixel of the picture, about; encoding takes less.

    At full size the last level holds a few layers of the second level's width at once: 4100 bytes were
    measured for Stable Diffusion's VAE (256 channels there) in 32 bits, 1600 in bfloat16.
    """
    return LAYERS_AT_ONCE * channels[min(1, len(channels) - 1)] * dtype.itemsize


def first_to_fit(choices: Sequence[Way], latent_pixels: int, needed_bytes: int, free: int | None) -> int:
    """The first way that is worth trying, by what each latent pixel needs; 0 where nothing is known."""
    if free is None:
        return 0
    for number, way in enumerate(choices):
        pixels = min(way.tiling.tile**2, latent_pixels) if way.tiling else latent_pixels
        if pixels * needed_bytes <= free:
            return number
    # Better to try than to refuse by an estimate.
    return len(choices) - 1


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


@dataclass(slots=True)
class MemoryLadder:
    """Goes down the ways until one fits, and begins there for the next picture of that size."""

    tell: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    # By kind of work and size: the way that did, and until when that is believed.
    _known: dict[tuple[str, int], tuple[int, float]] = field(
        default_factory=dict[tuple[str, int], tuple[int, float]]
    )

    def climb_down(
        self, noun: str, size: int, choices: tuple[Way, ...], work: Callable[[Way], Result], first: int = 0
    ) -> Result:
        """`work` the first way that fits. `noun` is "decoded" or "encoded"; `first` the first way to try.

        Raises OutOfMemory where none fits.
        """
        known, until = self._known.get((noun, size), (0, 0.0))
        start = max(first, known if self.clock() < until else 0)
        for number, way in list(enumerate(choices))[start:]:
            found = attempted(work, way)
            if found is not None:
                if number:
                    self._remember(noun, size, number, way)
                return found[0]
            logger.info("The memory was too small for a picture to be %s %s.", noun, way.words)
        raise OutOfMemory(
            f"There is too little memory for a picture of this size to be {noun}, even in small tiles. "
            "Close other programs, or make it smaller."
        )

    def _remember(self, noun: str, size: int, number: int, way: Way) -> None:
        if self._known.get((noun, size), (0, 0.0))[0] != number:
            self.tell(f"The memory was too small for the whole picture, so it was {noun} {way.words}.")
        self._known[noun, size] = (number, self.clock() + FORGET_S)


def attempted(work: Callable[[Way], Result], way: Way) -> tuple[Result] | None:
    """What the work gave; None where the memory ran out, which is free again by then."""
    try:
        return (work(way),)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # Only here: the error, with everything that its frames held, is gone.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None
