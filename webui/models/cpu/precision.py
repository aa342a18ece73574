"""Which number formats to compute in: exact 32 bits, or the fastest the device is good at."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import Tensor, nn

from webui.models.cpu.block_attention import blocks_are_faster
from webui.models.cpu.packed_layers import can_pack, has_kernels

# Half precision must be this much faster than 32 bits to be worth its rounding.
WORTH_ROUNDING = 1.3
# Of two half formats this close, the one the file is stored in wins: it needs no cast, so loading is instant.
AS_GOOD = 1.15
ROUNDS = 5
# Networks with fewer weights stay in 32 bits: a step there is spent on calling layers, not on computing them.
# Measured on a Zen 4 core at 16x16 latent pixels, 32 bits against bfloat16 with packed weights: 3 M weights
# 0.81, 27 M 1.36, 38 M 1.58, 140 M 2.34.
SMALL_NETWORK = 16_000_000
FORMATS = (torch.float32, torch.bfloat16, torch.float16)
# A format this much slower than 32 bits in one round needs no more of them.
HOPELESS = 2.0
# NVIDIA cards compute in bfloat16 from this generation (Ampere) on.
AMPERE = 8


class Precision(StrEnum):
    """The user's choice."""

    EXACT = "exact"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class NumberFormats:
    """Formats of a loaded model.

    `falls_back`: go to 32 bits where half precision gives NaN. `packed`: weights are packed for the processor
    (see packed.py), `in_blocks`: attention over many tokens goes in blocks (see block_attention.py).
    """

    network: torch.dtype
    vae: torch.dtype
    text: torch.dtype
    channels_last: bool
    falls_back: bool = True
    packed: bool = False
    in_blocks: bool = False

    @property
    def of_vae(self) -> tuple[torch.dtype, bool, bool, bool]:
        """What of this decides how a VAE is loaded."""
        return self.vae, self.channels_last, self.packed, self.in_blocks

    @property
    def is_exact(self) -> bool:
        """Whether everything is computed in 32 bits."""
        return {self.network, self.vae, self.text} == {torch.float32}


EXACT = NumberFormats(torch.float32, torch.float32, torch.float32, channels_last=False, falls_back=False)
FULL = NumberFormats(torch.float32, torch.float32, torch.float32, channels_last=True, falls_back=False)


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds for the same small piece of work in each format, and what a processor is good at besides.

    `packs`: formats whose weights it takes packed; `in_blocks`: formats with faster attention in blocks.
    """

    seconds: dict[torch.dtype, float]
    packs: frozenset[torch.dtype] = frozenset()
    in_blocks: frozenset[torch.dtype] = frozenset()

    def best(self, stored: torch.dtype) -> torch.dtype:
        """Format to compute in, for a file stored in `stored`."""
        halves = {dtype: took for dtype, took in self.seconds.items() if dtype != torch.float32}
        if not halves:
            return torch.float32
        fastest = min(halves.values())
        if fastest * WORTH_ROUNDING > self.seconds[torch.float32]:
            return torch.float32
        if stored in halves and halves[stored] <= fastest * AS_GOOD:
            return stored
        return min(halves, key=halves.__getitem__)


def measure_speeds(device: torch.device) -> Speeds:
    """Time a small piece of a U-Net's work in each format; some 0.1 s on a processor."""
    if device.type == "cuda":
        has_bf16 = torch.cuda.get_device_capability(device)[0] >= AMPERE
        # Tensor cores are known to pay; nothing needs timing.
        return Speeds({torch.float32: 4.0, torch.float16: 1.0} | ({torch.bfloat16: 1.0} if has_bf16 else {}))
    if device.type != "cpu":
        return Speeds({torch.float32: 2.0, torch.float16: 1.0})
    with one_thread():
        works = {dtype: work for dtype in FORMATS if (work := _work(dtype)) is not None}
        # Seconds of this thread, whatever else the machine does.
        seconds = fastest_rounds(works, time.thread_time)
        packs = frozenset(dtype for dtype in works if can_pack(dtype))
        best = Speeds(seconds).best(torch.bfloat16)
        return Speeds(seconds, packs, frozenset({best} if blocks_are_faster(best) else ()))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread: several wait for each other, and a busy machine then times its other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def fastest_rounds(
    works: Mapping[torch.dtype, Callable[[], object]], clock: Callable[[], float]
) -> dict[torch.dtype, float]:
    """Seconds of the fastest round in each format; infinite for those that the processor lacks."""
    best = dict.fromkeys(FORMATS, float("inf"))
    # In turn, so that whatever else the machine does at the moment falls on all formats alike.
    for number in range(ROUNDS):
        for dtype, work in works.items():
            if number == 0 or best[dtype] < HOPELESS * best[torch.float32]:
                start = clock()
                work()
                best[dtype] = min(best[dtype], clock() - start)
    return best


@torch.no_grad()
def _work(dtype: torch.dtype) -> Callable[[], object] | None:
    """A convolution and a linear layer of a U-Net's third level, None if the processor lacks the format."""
    if not has_kernels(dtype):
        # It would compute all the same, ten times slower than 32 bits, and that is not worth measuring.
        return None
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(320, 320, 3, padding=1).to(dtype).requires_grad_(False)
    linear = nn.Linear(640, 640).to(dtype).requires_grad_(False)
    picture = torch.randn(1, 320, 16, 16, generator=generator).to(dtype)
    picture = picture.contiguous(memory_format=torch.channels_last)
    tokens = torch.randn(1, 256, 640, generator=generator).to(dtype)

    def work() -> tuple[Tensor, Tensor]:
        return conv(picture), linear(tokens)

    try:
        # The first call sets up the kernels.
        work()
    except RuntimeError:
        return None
    return work


def choose_numbers(
    precision: Precision,
    speeds: Speeds,
    stored: torch.dtype,
    *,
    weights: int | None = None,
    full_network: bool = False,
    full_vae: bool = False,
) -> NumberFormats:
    """Formats for a file stored in `stored` whose network has so many `weights` (None: many).

    `full_network` is A1111's --no-half, `full_vae` its --no-half-vae.
    """
    if precision is Precision.EXACT or (weights is not None and weights < SMALL_NETWORK):
        return EXACT
    network = torch.float32 if full_network else speeds.best(stored)
    if network == torch.float32:
        return replace(FULL, packed=torch.float32 in speeds.packs)
    # SDXL's VAE overflows float16; bfloat16 has the range of 32 bits.
    vae = (
        torch.bfloat16
        if speeds.seconds.get(torch.bfloat16, float("inf")) <= speeds.seconds[network] * 2
        else network
    )
    vae = torch.float32 if full_vae else vae
    return NumberFormats(
        network,
        vae,
        network,
        channels_last=True,
        packed={network, vae} <= speeds.packs,
        in_blocks=network in speeds.in_blocks,
    )
