"""Schedules: which sigmas a sampler walks through.

Named by A1111's labels, equal to A1111 1.10.1 in float32.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from webui.core.errors import InvalidRequest
from webui.core.sampling import ADDED, AUTOMATIC, AddedSchedule, SamplerInfo, find_sampler, find_schedule
from webui.diffusion.beta_distribution import beta_quantiles
from webui.diffusion.prediction import TRAINING_STEPS, NoiseLevels

# Karras sigmas as the first versions of A1111 had them.
OLD_KARRAS_RANGE = (0.1, 10.0)
# Optimised for 10 steps by Sabour et al. (2024), for SD 1.5 and for SDXL.
ALIGN_YOUR_STEPS_SD1 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
ALIGN_YOUR_STEPS_SDXL = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """Options of schedules. A `sigma_min`, `sigma_max` or `rho` of 0 takes the usual one."""

    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    use_old_karras_sigmas: bool = False
    is_sdxl: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """What a schedule is computed from; all numbers settled."""

    steps: int
    sigma_min: float
    sigma_max: float
    rho: float
    levels: NoiseLevels
    options: ScheduleOptions


def build_sigmas(label: str, steps: int, levels: NoiseLevels, options: ScheduleOptions) -> Tensor:
    """Falling sigmas (steps + 1,), float32 on the CPU; most end in 0.

    "Automatic" is evenly spaced in timesteps.
    """
    info = find_schedule(label)
    if info.label == AUTOMATIC or steps == 0:
        return levels.uniform(steps)
    lowest, highest = (
        OLD_KARRAS_RANGE if options.use_old_karras_sigmas else (levels.sigma_min, levels.sigma_max)
    )
    span = Span(
        steps,
        options.sigma_min or lowest,
        options.sigma_max or highest,
        options.rho or info.default_rho,
        levels,
        options,
    )
    if span.sigma_min > span.sigma_max:
        raise InvalidRequest(
            f"The lowest sigma, {span.sigma_min:g}, is above the highest, {span.sigma_max:g}. Clear them."
        )
    added = ADDED.schedules.get(info.label)
    return added_sigmas(added, span) if added else FUNCTIONS[info.label](span).float()


def added_sigmas(added: AddedSchedule, span: Span) -> Tensor:
    """What an extension's schedule gives, checked. Raises InvalidRequest."""
    sigmas = torch.as_tensor(added.function(span.steps, span.sigma_min, span.sigma_max)).float().cpu()
    if sigmas.shape == (span.steps,):
        sigmas = with_zero(sigmas)
    is_falling = sigmas.shape == (span.steps + 1,) and bool((sigmas.diff() < 0).all()) and sigmas[-1] >= 0
    if not is_falling or not bool(sigmas.isfinite().all()):
        raise InvalidRequest(
            f"The schedule {added.info.label!r} of an extension gave no {span.steps} falling sigmas. Choose "
            "another, and tell its author."
        )
    return sigmas


def sampler_sigmas(
    sampler: str | SamplerInfo,
    schedule: str,
    steps: int,
    levels: NoiseLevels,
    options: ScheduleOptions,
    *,
    discard: bool = False,
) -> Tensor:
    """The sigmas a sampler runs through, (steps + 1,); its own schedule where "Automatic" was asked for.

    DPM2 and DPM++ 3M SDE compute one step more and leave out the last sigma but one; with `discard` all do.
    """
    info = find_sampler(sampler) if isinstance(sampler, str) else sampler
    label = find_schedule(schedule).label
    label = info.default_schedule if label == AUTOMATIC else label
    if not (discard or info.discards_next_to_last_sigma):
        return build_sigmas(label, steps, levels, options)
    sigmas = build_sigmas(label, steps + 1, levels, options)
    return torch.cat([sigmas[:-2], sigmas[-1:]])


def sampler_timesteps(steps: int, *, discard: bool = False) -> Tensor:
    """Rising timesteps of DDIM, PLMS and UniPC, int64: 1000 // steps apart, so maybe more than `steps`."""
    count = min(steps + discard, TRAINING_STEPS)
    timesteps = torch.arange(0, TRAINING_STEPS, TRAINING_STEPS // count) + 1
    return timesteps.clip(0, TRAINING_STEPS - 1)


def with_zero(sigmas: Tensor) -> Tensor:
    """The sigmas and a last 0."""
    return torch.cat([sigmas, sigmas.new_zeros([1])])


def uniform(span: Span) -> Tensor:
    """Evenly spaced in timesteps; always over the whole trained range."""
    return span.levels.uniform(span.steps)


def karras(span: Span) -> Tensor:
    """Karras et al. (2022)."""
    return karras_sigmas(span.steps, span.sigma_min, span.sigma_max, span.rho)


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float) -> Tensor:
    """Evenly spaced in the root of order rho, then 0: (steps + 1,)."""
    ramp = torch.linspace(0, 1, steps)
    lowest, highest = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return with_zero((highest + ramp * (lowest - highest)) ** rho)


def exponential(span: Span) -> Tensor:
    """Evenly spaced in the logarithm of sigma."""
    return with_zero(torch.linspace(math.log(span.sigma_max), math.log(span.sigma_min), span.steps).exp())


def polyexponential(span: Span) -> Tensor:
    """A power of an even ramp, in the logarithm of sigma."""
    ramp = torch.linspace(1, 0, span.steps) ** span.rho
    return with_zero(
        torch.exp(ramp * (math.log(span.sigma_max) - math.log(span.sigma_min)) + math.log(span.sigma_min))
    )


def sgm_uniform(span: Span) -> Tensor:
    """Evenly spaced in timesteps, without the last one, as the reference code of SDXL."""
    return at_timesteps(span, torch.linspace(*timestep_range(span), span.steps + 1)[:-1])


def normal(span: Span) -> Tensor:
    """Evenly spaced in timesteps, the last one included."""
    return at_timesteps(span, torch.linspace(*timestep_range(span), span.steps))


def timestep_range(span: Span) -> tuple[float, float]:
    """First and last timestep of the span."""
    start, end = (span.levels.sigma_to_t(torch.tensor(sigma)) for sigma in (span.sigma_max, span.sigma_min))
    return float(start), float(end)


def at_timesteps(span: Span, timesteps: Tensor) -> Tensor:
    """Sigmas of the timesteps, and a last 0."""
    return with_zero(torch.stack([span.levels.t_to_sigma(timestep) for timestep in timesteps]))


def kl_optimal(span: Span) -> Tensor:
    """Sabour et al. (2024), theorem 3.1. Ends at the lowest sigma, not at 0."""
    lowest, highest = (torch.arctan(torch.tensor(sigma)) for sigma in (span.sigma_min, span.sigma_max))
    steps = torch.arange(span.steps + 1)
    return torch.tan(steps / span.steps * lowest + (1.0 - steps / span.steps) * highest)


def align_your_steps(span: Span) -> Tensor:
    """Sabour et al. (2024): the published table, interpolated in the logarithm. It has a range of its own."""
    table = ALIGN_YOUR_STEPS_SDXL if span.options.is_sdxl else ALIGN_YOUR_STEPS_SD1
    if span.steps == len(table):
        return with_zero(torch.tensor(table))
    places, wanted = np.linspace(0, 1, len(table)), np.linspace(0, 1, span.steps)
    rising = np.exp(np.interp(wanted, places, np.log(table[::-1])))
    return with_zero(torch.from_numpy(rising[::-1].copy()).float())


def simple(span: Span) -> Tensor:
    """Every n-th trained sigma from the highest on."""
    spacing = len(span.levels.sigmas) / span.steps
    return with_zero(torch.stack([span.levels.sigmas[-(1 + int(i * spacing))] for i in range(span.steps)]))


def ddim(span: Span) -> Tensor:
    """Every n-th trained sigma from the second lowest on, as DDIM counts; may be more than were asked for."""
    spacing = max(len(span.levels.sigmas) // span.steps, 1)
    return with_zero(span.levels.sigmas[1::spacing].flip(0))


def beta(span: Span) -> Tensor:
    """Lee et al. (2024), as A1111 has it: quantiles of the beta distribution, linear in sigma."""
    places = 1 - np.linspace(0, 1, span.steps)
    quantiles = beta_quantiles(places, span.options.beta_alpha, span.options.beta_beta)
    sigmas = span.sigma_min + quantiles * (span.sigma_max - span.sigma_min)
    return with_zero(torch.from_numpy(sigmas).float())


FUNCTIONS: Mapping[str, Callable[[Span], Tensor]] = MappingProxyType(
    {
        "Uniform": uniform,
        "Karras": karras,
        "Exponential": exponential,
        "Polyexponential": polyexponential,
        "SGM Uniform": sgm_uniform,
        "KL Optimal": kl_optimal,
        "Align Your Steps": align_your_steps,
        "Simple": simple,
        "Normal": normal,
        "DDIM": ddim,
        "Beta": beta,
    }
)
