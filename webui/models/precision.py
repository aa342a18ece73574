"""Which number formats to compute in: exact 32 bits, or the fastest the device is good at."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, nn

# Half precision must be this much faster than 32 bits to be worth its rounding.
WORTH_ROUNDING = 1.3
# Of two half formats this close, the one the file is stored in wins: it needs no cast, so loading is instant.
AS_GOOD = 1.15
WARM_UPS, ROUNDS = 2, 3
# NVIDIA cards compute in bfloat16 from this generation (Ampere) on.
AMPERE = 8


class Precision(StrEnum):
    """The user's choice."""

    EXACT = "exact"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Formats of a loaded model; `falls_back`: go to 32 bits where half precision gives NaN."""

    network: torch.dtype
    vae: torch.dtype
    text: torch.dtype
    channels_last: bool
    falls_back: bool = True

    @property
    def is_exact(self) -> bool:
        """Whether everything is computed in 32 bits."""
        return {self.network, self.vae, self.text} == {torch.float32}


EXACT = Numbers(torch.float32, torch.float32, torch.float32, channels_last=False, falls_back=False)
FULL = Numbers(torch.float32, torch.float32, torch.float32, channels_last=True, falls_back=False)


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds for the same small piece of work in each format."""

    seconds: dict[torch.dtype, float]

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


def measure_speeds(device: torch.device, clock: Callable[[], float] = time.perf_counter) -> Speeds:
    """Time a convolution and a linear layer of a U-Net's middle level in each format; about 0.1 s on a
    processor.
    """
    if device.type == "cuda":
        has_bf16 = torch.cuda.get_device_capability(device)[0] >= AMPERE
        # Tensor cores are known to pay; nothing needs timing.
        return Speeds({torch.float32: 4.0, torch.float16: 1.0} | ({torch.bfloat16: 1.0} if has_bf16 else {}))
    if device.type != "cpu":
        return Speeds({torch.float32: 2.0, torch.float16: 1.0})
    return Speeds(
        {dtype: _time_format(dtype, clock) for dtype in (torch.float32, torch.bfloat16, torch.float16)}
    )


@torch.no_grad()
def _time_format(dtype: torch.dtype, clock: Callable[[], float]) -> float:
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(320, 320, 3, padding=1).to(dtype)
    linear = nn.Linear(640, 640).to(dtype)
    picture = (
        torch.randn(1, 320, 16, 16, generator=generator)
        .to(dtype)
        .contiguous(memory_format=torch.channels_last)
    )
    tokens = torch.randn(1, 512, 640, generator=generator).to(dtype)

    def work() -> Tensor:
        return conv(picture).sum() + linear(tokens).sum()

    try:
        for _ in range(WARM_UPS):
            work()
        best = float("inf")
        for _ in range(ROUNDS):
            start = clock()
            work()
            best = min(best, clock() - start)
    except RuntimeError:
        # This processor's kernels lack the format.
        return float("inf")
    return best


def choose_numbers(
    precision: Precision,
    speeds: Speeds,
    stored: torch.dtype,
    *,
    full_network: bool = False,
    full_vae: bool = False,
) -> Numbers:
    """Formats for a file stored in `stored`. `full_network` is A1111's --no-half, `full_vae` its
    --no-half-vae.
    """
    if precision is Precision.EXACT:
        return EXACT
    network = torch.float32 if full_network else speeds.best(stored)
    if network == torch.float32:
        return FULL
    # SDXL's VAE overflows float16; bfloat16 has the range of 32 bits.
    vae = (
        torch.bfloat16
        if speeds.seconds.get(torch.bfloat16, float("inf")) <= speeds.seconds[network] * 2
        else network
    )
    return Numbers(network, torch.float32 if full_vae else vae, network, channels_last=True)
