"""Samplers that step down and add fresh noise: Euler a, DPM2 a, DPM++ 2S a, Restart, LCM."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor

from webui.diffusion.schedules import karras_sigmas
from webui.diffusion.step import (
    Denoise,
    NoiseSource,
    SamplerOptions,
    Step,
    StepMoment,
    ancestral_sigmas,
    derivative,
)

# Restart (Xu et al. 2023) as A1111 sets it up: from this many steps on it goes back from sigma 0.1 to 2, ...
RESTART_FROM_STEPS = 20
RESTART_STEPS = 9
RESTART_LOW, RESTART_HIGH = 0.1, 2.0
# ... and with many steps twice, with a quarter of them each time.
RESTART_TWICE_FROM_STEPS = 36
RESTART_RHO = 7.0


def euler_ancestral(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Euler steps with noise added back in each."""
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        down, up = ancestral_sigmas(sigmas[i], sigmas[i + 1], options.eta_ancestral)
        latent = latent + derivative(latent, sigmas[i], denoised) * (down - sigmas[i])
        if sigmas[i + 1] > 0 and up > 0:
            latent = latent + noise(sigmas[i], sigmas[i + 1]) * up
        yield Step(i, sigmas[i], latent, denoised)


def dpm_2_ancestral(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver-2 steps (Lu et al. 2022) with noise added back in each."""
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        down, up = ancestral_sigmas(sigmas[i], sigmas[i + 1], options.eta_ancestral)
        slope = derivative(latent, sigmas[i], denoised)
        if down == 0:
            latent = latent + slope * (down - sigmas[i])
        else:
            middle = sigmas[i].log().lerp(down.log(), 0.5).exp()
            between = latent + slope * (middle - sigmas[i])
            slope = derivative(between, middle, denoise(between, middle))
            latent = latent + slope * (down - sigmas[i])
            if up > 0:
                latent = latent + noise(sigmas[i], sigmas[i + 1]) * options.s_noise * up
        yield Step(i, sigmas[i], latent, denoised)


def dpmpp_2s_ancestral(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver++(2S) steps (Lu et al. 2022) with noise added back in each."""
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        down, up = ancestral_sigmas(sigmas[i], sigmas[i + 1], options.eta_ancestral)
        if down == 0:
            latent = latent + derivative(latent, sigmas[i], denoised) * (down - sigmas[i])
        else:
            time, time_next = sigmas[i].log().neg(), down.log().neg()
            span = time_next - time
            middle = (time + 0.5 * span).neg().exp()
            start = time.neg().exp()
            between = (middle / start) * latent - (-span * 0.5).expm1() * denoised
            blend = denoise(between, middle)
            latent = (time_next.neg().exp() / start) * latent - (-span).expm1() * blend
        if sigmas[i + 1] > 0 and up > 0:
            latent = latent + noise(sigmas[i], sigmas[i + 1]) * options.s_noise * up
        yield Step(i, sigmas[i], latent, denoised)


def lcm(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Latent consistency (Luo et al. 2023): denoise, add fresh noise of the next sigma."""
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        latent = denoised
        if sigmas[i + 1] > 0:
            latent = denoised + sigmas[i + 1] * noise(sigmas[i], sigmas[i + 1])
        yield Step(i, sigmas[i], latent, denoised)


def restart(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Heun steps that go back to a higher sigma once or twice (Xu et al. 2023)."""
    last: Tensor | None = None
    for index, (sigma, sigma_next) in enumerate(restart_pairs(sigmas)):
        if last is not None and last < sigma:
            latent = latent + noise(last, sigma) * (sigma**2 - last**2) ** 0.5
        denoised = denoise(latent, sigma)
        slope = derivative(latent, sigma, denoised)
        # As A1111 tells it: the sigma that the step leads to, and the one that it starts from.
        options.watch(StepMoment(index, sigma_next, sigma, latent, denoised))
        span = sigma_next - sigma
        if sigma_next == 0:
            latent = latent + slope * span
        else:
            ahead = latent + slope * span
            slope_ahead = derivative(ahead, sigma_next, denoise(ahead, sigma_next))
            latent = latent + (slope + slope_ahead) / 2 * span
        last = sigma_next
        yield Step(index, sigma, latent, denoised)


def restart_pairs(sigmas: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The steps of Restart, from sigma to sigma. With few steps these are the sigmas' own."""
    steps = len(sigmas) - 1
    if steps < RESTART_FROM_STEPS:
        return list(pairwise(sigmas))
    is_twice = steps >= RESTART_TWICE_FROM_STEPS
    again, times = (steps // 4, 2) if is_twice else (RESTART_STEPS, 1)
    sigmas = karras_between(sigmas[-2], sigmas[0], steps - again * times)
    low = int((sigmas - RESTART_LOW).abs().argmin())
    high = int((sigmas - RESTART_HIGH).abs().argmin())
    pairs = list(pairwise(sigmas))
    if high >= low:
        return pairs
    back = karras_between(sigmas[low], sigmas[high], again + 1)[:-1]
    return pairs[:low] + list(pairwise(back)) * times + pairs[low:]


def karras_between(low: Tensor, high: Tensor, steps: int) -> Tensor:
    """A Karras schedule between two sigmas, (steps + 1,)."""
    return karras_sigmas(steps, low.item(), high.item(), RESTART_RHO)
