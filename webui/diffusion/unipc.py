"""UniPC, a unified predictor-corrector (Zhao et al. 2023), multistep, on the clean latent.

Time runs from 1 (noise) to 1/1000; all coefficients are 0-dim float32 tensors on the CPU.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import factorial

import torch
from torch import Tensor

from webui.diffusion.prediction import TRAINING_STEPS
from webui.diffusion.step import (
    NoiseSource,
    PredictNoise,
    SamplerOptions,
    Step,
    StepMoment,
    UniPCSkipType,
    UniPCVariant,
)


@dataclass(frozen=True, eq=False)
class ContinuousNoise:
    """A discrete noise schedule made continuous: linear in log alpha between the training steps."""

    alphas_cumprod: Tensor

    @cached_property
    def log_alphas(self) -> Tensor:
        """Half the logarithm of the shares of signal, (1000,), falling."""
        return 0.5 * torch.log(self.alphas_cumprod.float())

    @cached_property
    def times(self) -> Tensor:
        """Times of the training steps, (1000,), rising to 1."""
        return torch.linspace(0.0, 1.0, len(self.alphas_cumprod) + 1)[1:]

    def at(self, time: Tensor) -> "TimePoint":
        """All that is needed at one time (0-dim)."""
        return TimePoint(time, interpolate(time, self.times, self.log_alphas))

    def time_of(self, half_log_snr: Tensor) -> Tensor:
        """Times of half log signal-to-noise ratios."""
        log_alpha = -0.5 * torch.logaddexp(torch.zeros(1), -2.0 * half_log_snr)
        return interpolate(log_alpha, self.log_alphas.flip(0), self.times.flip(0))


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A time, and alpha, sigma and half the log signal-to-noise ratio there."""

    time: Tensor
    log_alpha: Tensor

    @property
    def alpha(self) -> Tensor:
        """Factor of the signal."""
        return torch.exp(self.log_alpha)

    @property
    def sigma(self) -> Tensor:
        """Factor of the noise."""
        return torch.sqrt(1.0 - torch.exp(2.0 * self.log_alpha))

    @property
    def half_log_snr(self) -> Tensor:
        """Lambda of the DPM-Solver paper."""
        return self.log_alpha - 0.5 * torch.log(1.0 - torch.exp(2.0 * self.log_alpha))

    @property
    def timestep(self) -> Tensor:
        """The network's (fractional) timestep."""
        return (self.time - 1.0 / TRAINING_STEPS) * 1000.0


@dataclass(frozen=True, slots=True)
class Past:
    """A moment gone by and the clean latent predicted there."""

    moment: TimePoint
    denoised: Tensor


def unipc(
    predict_noise: PredictNoise,
    latent: Tensor,
    timesteps: Tensor,
    noise: NoiseSource,
    options: SamplerOptions,
) -> Iterator[Step]:
    """As many steps as there are `timesteps`; from an image they also say where to start."""
    steps = len(timesteps)
    if not steps:
        return
    order = min(options.uni_pc_order, steps)
    schedule = ContinuousNoise(predict_noise.alphas_cumprod)
    start = float(timesteps[-1] / 1000 + 1 / 1000) if options.starts_from_image else 1.0
    moments = [schedule.at(time) for time in solver_times(schedule, options.uni_pc_skip_type, start, steps)]

    def denoise(latent: Tensor, moment: TimePoint) -> Tensor:
        return (latent - moment.sigma * predict_noise(latent, moment.timestep)) / moment.alpha

    past = [Past(moments[0], denoise(latent, moments[0]))]
    for step in range(1, steps + 1):
        step_order = min(step, order)
        if options.uni_pc_lower_order_final and step >= order:
            step_order = min(order, steps + 1 - step)
        update = MultistepUpdate(latent, past[:step_order], moments[step], options.uni_pc_variant)
        latent = update.predicted()
        denoised = past[0].denoised
        if step < steps:
            # The corrector costs no evaluation: what it is computed from is the next step's past.
            denoised = denoise(latent, moments[step])
            latent = update.corrected(denoised)
            past = [Past(moments[step], denoised), *past][:order]
        sigma = moments[step - 1].sigma / moments[step - 1].alpha
        options.watch(StepMoment(step - 1, sigma, sigma, latent, denoised))
        yield Step(step - 1, sigma, latent, denoised)


def solver_times(schedule: ContinuousNoise, skip_type: UniPCSkipType, start: float, steps: int) -> Tensor:
    """Falling times from `start` to that of the first training step, (steps + 1,)."""
    end = 1.0 / TRAINING_STEPS
    if skip_type == "time_uniform":
        return torch.linspace(start, end, steps + 1)
    if skip_type == "time_quadratic":
        return torch.linspace(start**0.5, end**0.5, steps + 1) ** 2
    first, last = (schedule.at(torch.tensor(time)).half_log_snr.item() for time in (start, end))
    return schedule.time_of(torch.linspace(first, last, steps + 1))


class MultistepUpdate:
    """One multistep update from the past, newest first, to a moment. Its order is the length of the past."""

    def __init__(self, latent: Tensor, past: list[Past], target: TimePoint, variant: UniPCVariant) -> None:
        newest = past[0]
        self._alpha = target.alpha
        self._newest = newest.denoised
        self._variant: UniPCVariant = variant
        span = target.half_log_snr - newest.moment.half_log_snr
        # The solver runs on the clean latent, not on the noise: that turns the sign.
        self._h = -span
        ratios = [(part.moment.half_log_snr - newest.moment.half_log_snr) / span for part in past[1:]]
        self._slopes = [
            (part.denoised - newest.denoised) / ratio for part, ratio in zip(past[1:], ratios, strict=True)
        ]
        self._ratios = torch.stack([*ratios, torch.ones(())])
        growth = torch.expm1(self._h)
        self._base = target.sigma / newest.moment.sigma * latent - target.alpha * growth * newest.denoised

    def predicted(self) -> Tensor:
        """The latent from the past alone."""
        return self._apply(self._slopes, is_corrector=False)

    def corrected(self, denoised: Tensor) -> Tensor:
        """The latent once the clean latent at the target was predicted too."""
        return self._apply([*self._slopes, denoised - self._newest], is_corrector=True)

    def _apply(self, slopes: list[Tensor], *, is_corrector: bool) -> Tensor:
        if not slopes:
            return self._base
        is_varying = self._variant == "vary_coeff"
        weights = (
            self._varying_weights(len(slopes), is_corrector)
            if is_varying
            else self._solved_weights(len(slopes))
        )
        return self._base - self._alpha * sum(
            weight * slope for weight, slope in zip(weights, slopes, strict=True)
        )

    def _solved_weights(self, count: int) -> Tensor:
        """Variants bh1 and bh2: weights that meet the order conditions, (count,)."""
        scale = self._h if self._variant == "bh1" else torch.expm1(self._h)
        if count == 1:
            # Any value meets the condition; the paper takes this one.
            return 0.5 * scale.reshape(1)
        powers = torch.stack([self._ratios[:count] ** i for i in range(count)])
        wanted = torch.stack([phi * factorial(i) for i, phi in enumerate(self._phis(count + 1)[1:], start=1)])
        return torch.linalg.solve(powers, wanted / scale) * scale

    def _varying_weights(self, count: int, is_corrector: bool) -> Tensor:
        """Variant vary_coeff: the inverse of the Taylor matrix, weighed by the phi functions, (count,)."""
        ratios = self._ratios[:count]
        taylor = torch.stack([ratios**k / factorial(k + 1) for k in range(count)], dim=1)
        inverse = torch.linalg.inv(taylor)
        phis = torch.stack(self._phis(count + 1)[1:])
        weights = phis @ inverse
        if is_corrector and count > 1:
            # The published code takes the last but one row for the newest slope and none for the others.
            weights = phis[:-1] @ inverse[:-1]
            weights[-1] = phis[-1] * inverse[-2, -1]
        return weights

    def _phis(self, count: int) -> list[Tensor]:
        """The first phi functions of h, unscaled: expm1(h), expm1(h) / h - 1, ..."""
        phis = [torch.expm1(self._h)]
        for k in range(1, count):
            phis.append(phis[-1] / self._h - 1 / factorial(k))
        return phis


def interpolate(x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear through values at rising places, (n,) each; straight on beyond the ends.

    Any shape of x.
    """
    left = (torch.searchsorted(places, x) - 1).clamp(0, len(places) - 2)
    start, end = places[left], places[left + 1]
    return values[left] + (x - start) * (values[left + 1] - values[left]) / (end - start)
