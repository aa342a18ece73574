"""What samplers take and give: steps, options, and the two functions they call."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

# Latent (B, C, h, w) with noise of the given sigma (0-dim, CPU) -> denoised (B, C, h, w).
Denoise = Callable[[Tensor, Tensor], Tensor]
# Called with the sigmas (0-dim, CPU) between which a step goes -> noise (B, C, h, w) of unit variance.
NoiseSource = Callable[[Tensor, Tensor], Tensor]

UniPCVariant = Literal["bh1", "bh2", "vary_coeff"]
UniPCSkipType = Literal["time_uniform", "time_quadratic", "logSNR"]


class PredictNoise(Protocol):
    """The network as timestep samplers see it."""

    @property
    def alphas_cumprod(self) -> Tensor:
        """(1000,), on the CPU."""
        ...

    @property
    def uncond_noise(self) -> Tensor:
        """What the last call predicted for the negative prompt alone, (B, C, h, w)."""
        ...

    def __call__(self, latent: Tensor, timestep: Tensor, /) -> Tensor:
        """Noise in a unit-variance latent (B, C, h, w) at a timestep (0-dim, CPU)."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One completed step of a sampler.

    `index` counts completed steps from 0, `sigma` (0-dim, CPU) is the level the step started at, `latent` is
    what it ended with, `denoised` its estimate of the clean latent: show that one, and keep it when stopping
    early.
    """

    index: int
    sigma: Tensor
    latent: Tensor
    denoised: Tensor


@dataclass(frozen=True, slots=True)
class StepMoment:
    """Where a sampler stands once the network has answered for the first time in a step.

    `sigma` (0-dim, CPU) is the step's, `sigma_hat` the one that noise has raised it to. Who watches may write
    into `latent` and `denoised`: the step goes on from them, as with k-diffusion's callback. Timestep
    samplers and DPM adaptive tell it when the step is made, as there.
    """

    index: int
    sigma: Tensor
    sigma_hat: Tensor
    latent: Tensor
    denoised: Tensor


def watch_nothing(moment: StepMoment) -> None:
    """Where nobody watches."""


@dataclass(frozen=True, slots=True)
class SamplerOptions:
    """Options of all samplers; each reads its own. `s_tmax` 0 is no limit.

    The last three are not chosen but facts of the run: `sigma_range` (lowest, highest) replaces the ends of
    the sigmas for DPM fast and adaptive, `starts_from_image` tells UniPC to start at the last timestep,
    `watch` is called once in each step.
    """

    eta_ancestral: float = 1.0
    eta_ddim: float = 0.0
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = 0.0
    s_noise: float = 1.0
    uni_pc_variant: UniPCVariant = "bh1"
    uni_pc_skip_type: UniPCSkipType = "time_uniform"
    uni_pc_order: int = 3
    uni_pc_lower_order_final: bool = True
    sigma_range: tuple[float, float] | None = None
    starts_from_image: bool = False
    watch: Callable[[StepMoment], None] = watch_nothing


# A sampler in sigmas: (denoise, latent, falling sigmas (steps + 1,) on the CPU, noise, options) -> steps.
SigmaSampler = Callable[[Denoise, Tensor, Tensor, NoiseSource, SamplerOptions], Iterator[Step]]
# A sampler in timesteps: the same with predict_noise and rising timesteps (n,), int64 on the CPU.
TimestepSampler = Callable[[PredictNoise, Tensor, Tensor, NoiseSource, SamplerOptions], Iterator[Step]]


def derivative(latent: Tensor, sigma: Tensor, denoised: Tensor) -> Tensor:
    """The direction of the probability flow (Karras et al. 2022)."""
    return (latent - denoised) / sigma


def ancestral_sigmas(sigma: Tensor, sigma_next: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """The sigma to step down to, and how much noise then leads back up to `sigma_next`."""
    if not eta:
        return sigma_next, torch.zeros(())
    up = min(sigma_next, eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5)
    down = (sigma_next**2 - up**2) ** 0.5
    return down, up
