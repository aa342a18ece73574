"""DPM-Solver of orders 1 to 3 (Lu et al. 2022), with fixed steps (DPM fast) and adaptive ones (DPM adaptive).

Time is the negative logarithm of sigma. Equal to k-diffusion bit for bit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from webui.diffusion.step import Denoise, NoiseSource, SamplerOptions, Step, StepMoment, ancestral_sigmas

# k-diffusion's settings of the adaptive solver.
ORDER = 3
RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 0.05, 0.0078
FIRST_SPAN = 0.05
ACCEPT_SAFETY = 0.81
# With noise added the error grows as for a solver of half the order.
STOCHASTIC_ORDER = 1.5
# Closer than this to the end is at the end.
TIME_PRECISION = 1e-5


def sigma_at(time: Tensor) -> Tensor:
    """Sigma of a negative log-sigma."""
    return time.neg().exp()


@dataclass(slots=True)
class Solver:
    """One solver step from `latent` at `time`; the slopes computed in it are shared between orders."""

    denoise: Denoise
    latent: Tensor
    time: Tensor
    slopes: dict[str, Tensor] = field(default_factory=dict)

    def slope(self, key: str, latent: Tensor, time: Tensor) -> Tensor:
        """The noise in a latent, computed once for each key."""
        if key not in self.slopes:
            sigma = sigma_at(time)
            self.slopes[key] = (latent - self.denoise(latent, sigma)) / sigma
        return self.slopes[key]

    def start(self) -> Tensor:
        """The noise where the step starts."""
        return self.slope("start", self.latent, self.time)

    def first_order(self, time_next: Tensor) -> Tensor:
        """The latent at `time_next`, in one evaluation."""
        slope = self.start()
        return self.latent - sigma_at(time_next) * (time_next - self.time).expm1() * slope

    def second_order(self, time_next: Tensor, r: float = 1 / 2) -> Tensor:
        """The latent at `time_next`, in two evaluations; `r` is where the second lies."""
        span = time_next - self.time
        slope, slope_1 = self.start(), self._slope_at(span, r)
        sigma = sigma_at(time_next)
        return self.latent - sigma * span.expm1() * slope - sigma / (2 * r) * span.expm1() * (slope_1 - slope)

    def third_order(self, time_next: Tensor, r1: float = 1 / 3, r2: float = 2 / 3) -> Tensor:
        """The latent at `time_next`, in three evaluations."""
        span = time_next - self.time
        slope, slope_1 = self.start(), self._slope_at(span, r1)
        time_2 = self.time + r2 * span
        part = r2 * span
        between = (
            self.latent
            - sigma_at(time_2) * part.expm1() * slope
            - sigma_at(time_2) * (r2 / r1) * (part.expm1() / part - 1) * (slope_1 - slope)
        )
        slope_2 = self.slope("second", between, time_2)
        sigma = sigma_at(time_next)
        return (
            self.latent
            - sigma * span.expm1() * slope
            - sigma / r2 * (span.expm1() / span - 1) * (slope_2 - slope)
        )

    def _slope_at(self, span: Tensor, r: float) -> Tensor:
        """The noise at share `r` of the step, reached in first order."""
        time = self.time + r * span
        between = self.latent - sigma_at(time) * (r * span).expm1() * self.start()
        return self.slope("first", between, time)


def target_time(time: Tensor, time_next: Tensor, end: Tensor, eta: float) -> tuple[Tensor, Tensor | None]:
    """The time to solve to, at or past `time_next`, and the sigma of the noise that leads back, if any."""
    if not eta:
        return time_next, None
    down, _ = ancestral_sigmas(sigma_at(time), sigma_at(time_next), eta)
    target = torch.minimum(end, -down.log())
    return target, (sigma_at(time_next) ** 2 - sigma_at(target) ** 2) ** 0.5


def add_noise(
    latent: Tensor, up: Tensor | None, times: tuple[Tensor, Tensor], noise: NoiseSource, s_noise: float
) -> Tensor:
    """The latent with the noise of a step between two times."""
    if up is None:
        return latent
    return latent + up * s_noise * noise(sigma_at(times[0]), sigma_at(times[1]))


def dpm_fast(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver-fast: an evaluation for each sigma, in steps of order 3, evenly spaced in log-sigma.

    Only the ends and the number of `sigmas` matter.
    """
    evaluations = len(sigmas) - 1
    start, end = solver_times(sigmas, options.sigma_range)
    if evaluations < 1 or end <= start:
        return
    count = evaluations // 3 + 1
    times = torch.linspace(float(start), float(end), count + 1)
    rest = [2, 1] if evaluations % 3 == 0 else [evaluations % 3]
    orders = [3] * (count - len(rest)) + rest
    for i, order in enumerate(orders):
        time, time_next = times[i], times[i + 1]
        target, up = target_time(time, time_next, end, options.eta_ancestral)
        solver = Solver(denoise, latent, time)
        denoised = latent - sigma_at(time) * solver.start()
        options.watch(StepMoment(i, sigma_at(time), sigma_at(time), latent, denoised))
        steps = (solver.first_order, solver.second_order, solver.third_order)
        latent = add_noise(steps[order - 1](target), up, (time, time_next), noise, options.s_noise)
        yield Step(i, sigma_at(time), latent, denoised)


def dpm_adaptive(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver-23: steps as long as the error allows.

    A rejected step is yielded too, with the latent unchanged. Only the ends of `sigmas` matter.
    """
    time, end = solver_times(sigmas, options.sigma_range)
    eta = options.eta_ancestral
    control = StepSizeControl(FIRST_SPAN, STOCHASTIC_ORDER if eta else ORDER)
    last_low = latent
    index = 0
    while time < end - TIME_PRECISION:
        time_next = torch.minimum(end, time + control.span)
        target, up = target_time(time, time_next, end, eta)
        solver = Solver(denoise, latent, time)
        sigma = sigma_at(time)
        denoised = latent - sigma * solver.start()
        low = solver.second_order(target, r=1 / 3)
        high = solver.third_order(target)
        allowed = torch.maximum(
            torch.tensor(ABSOLUTE_TOLERANCE, device=latent.device),
            RELATIVE_TOLERANCE * torch.maximum(low.abs(), last_low.abs()),
        )
        # The one place in a step that must wait for the device: the error decides how to go on.
        error = float(torch.linalg.norm((low - high) / allowed) / latent.numel() ** 0.5)
        if control.accepts(error):
            last_low = low
            latent = add_noise(high, up, (time, time_next), noise, s_noise=1.0)
            time = time_next
        options.watch(StepMoment(index, sigma_at(time), sigma_at(time), latent, denoised))
        yield Step(index, sigma, latent, denoised)
        index += 1


def solver_times(sigmas: Tensor, sigma_range: tuple[float, float] | None) -> tuple[Tensor, Tensor]:
    """First and last time. The last sigma, 0, has no logarithm: the one before it is the end."""
    if sigma_range is not None:
        lowest, highest = (torch.tensor(sigma) for sigma in sigma_range)
    else:
        lowest, highest = sigmas[-2:][0], sigmas[0]
    return -highest.log(), -lowest.log()


@dataclass(slots=True)
class StepSizeControl:
    """Integral control of step sizes (Söderlind 2003): larger after small errors, else smaller."""

    span: float
    order: float

    def accepts(self, error: float) -> bool:
        """Whether a step with this error counts; sets the span of the next."""
        factor = (1 / (error + 1e-8)) ** (1 / self.order)
        factor = 1 + math.atan(factor - 1)
        self.span *= factor
        return factor >= ACCEPT_SAFETY
