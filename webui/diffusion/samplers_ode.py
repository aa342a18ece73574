"""Samplers that follow the probability flow: Euler, Heun, DPM2, LMS, DPM++ 2M.

Equal to k-diffusion bit for bit.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from webui.diffusion.step import Denoise, NoiseSource, SamplerOptions, Step, StepMoment, derivative

LMS_ORDER = 4
# Four Gauss-Legendre points integrate polynomials up to degree 7 exactly; those of LMS have degree 3.
QUADRATURE_POINTS = 4
MAX_CHURN = 2**0.5 - 1


def euler(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Algorithm 2 of Karras et al. (2022) with Euler steps."""
    for i in range(len(sigmas) - 1):
        latent, sigma = churn(latent, sigmas, i, noise, options)
        denoised = denoise(latent, sigma)
        slope = derivative(latent, sigma, denoised)
        options.watch(StepMoment(i, sigmas[i], sigma, latent, denoised))
        latent = latent + slope * (sigmas[i + 1] - sigma)
        yield Step(i, sigmas[i], latent, denoised)


def heun(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Algorithm 2 of Karras et al. (2022) with Heun steps."""
    for i in range(len(sigmas) - 1):
        latent, sigma = churn(latent, sigmas, i, noise, options)
        denoised = denoise(latent, sigma)
        slope = derivative(latent, sigma, denoised)
        options.watch(StepMoment(i, sigmas[i], sigma, latent, denoised))
        span = sigmas[i + 1] - sigma
        if sigmas[i + 1] == 0:
            latent = latent + slope * span
        else:
            ahead = latent + slope * span
            slope_ahead = derivative(ahead, sigmas[i + 1], denoise(ahead, sigmas[i + 1]))
            latent = latent + (slope + slope_ahead) / 2 * span
        yield Step(i, sigmas[i], latent, denoised)


def dpm_2(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Midpoint steps in log-sigma, after DPM-Solver-2 (Lu et al. 2022) and Karras et al. (2022)."""
    for i in range(len(sigmas) - 1):
        latent, sigma = churn(latent, sigmas, i, noise, options)
        denoised = denoise(latent, sigma)
        slope = derivative(latent, sigma, denoised)
        options.watch(StepMoment(i, sigmas[i], sigma, latent, denoised))
        if sigmas[i + 1] == 0:
            latent = latent + slope * (sigmas[i + 1] - sigma)
        else:
            middle = sigma.log().lerp(sigmas[i + 1].log(), 0.5).exp()
            between = latent + slope * (middle - sigma)
            slope = derivative(between, middle, denoise(between, middle))
            latent = latent + slope * (sigmas[i + 1] - sigma)
        yield Step(i, sigmas[i], latent, denoised)


def lms(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """Linear multistep: a polynomial through the last four slopes, integrated over the step."""
    times = sigmas.double().numpy()
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        slopes = [derivative(latent, sigmas[i], denoised), *slopes][:LMS_ORDER]
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        weights = multistep_weights(times, i, len(slopes))
        latent = latent + sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
        yield Step(i, sigmas[i], latent, denoised)


def dpmpp_2m(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver++(2M) (Lu et al. 2022)."""
    last_denoised: Tensor | None = None
    # One by one: a vector's logarithms may differ from single ones in the last bit.
    times = [sigma.log().neg() for sigma in sigmas]
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        span = times[i + 1] - times[i]
        blend = denoised
        if last_denoised is not None and sigmas[i + 1] != 0:
            ratio = (times[i] - times[i - 1]) / span
            blend = (1 + 1 / (2 * ratio)) * denoised - (1 / (2 * ratio)) * last_denoised
        shrink = times[i + 1].neg().exp() / times[i].neg().exp()
        latent = shrink * latent - (-span).expm1() * blend
        last_denoised = denoised
        yield Step(i, sigmas[i], latent, denoised)


def churn(
    latent: Tensor, sigmas: Tensor, i: int, noise: NoiseSource, options: SamplerOptions
) -> tuple[Tensor, Tensor]:
    """The latent of step `i` with a little noise stirred in, and its raised sigma."""
    sigma = sigmas[i]
    if not options.s_churn:
        return latent, sigma
    # Drawn in every step, also outside the range, so that the range does not change the noise of later steps.
    extra = noise(sigma, sigmas[i + 1]) * options.s_noise
    is_in_range = options.s_tmin <= sigma <= (options.s_tmax or float("inf"))
    gamma = min(options.s_churn / (len(sigmas) - 1), MAX_CHURN) if is_in_range else 0.0
    raised = sigma * (gamma + 1)
    if gamma > 0:
        latent = latent + extra * (raised**2 - sigma**2) ** 0.5
    return latent, raised


def multistep_weights(times: NDArray[np.float64], i: int, order: int) -> list[float]:
    """Integrals over step `i` of the Lagrange polynomials of the last `order` times, newest first."""
    points, weights = np.polynomial.legendre.leggauss(QUADRATURE_POINTS)
    half = (times[i + 1] - times[i]) / 2
    places = times[i] + half * (points + 1)
    past = times[i - order + 1 : i + 1][::-1]
    results = []
    for j in range(order):
        others = np.delete(past, j)
        values = np.prod((places[:, None] - others) / (past[j] - others), axis=1)
        results.append(float(half * np.sum(weights * values)))
    return results
