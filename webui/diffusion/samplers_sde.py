"""Samplers of the diffusion SDE on Brownian noise: DPM++ SDE, DPM++ 2M SDE, DPM++ 3M SDE (Lu et al. 2022)."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from webui.diffusion.step import (
    Denoise,
    NoiseSource,
    SamplerOptions,
    Step,
    StepMoment,
    ancestral_sigmas,
    derivative,
)


def dpmpp_sde(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver++ (stochastic), second order, with the middle of the step at half its log-sigma."""
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        if sigmas[i + 1] == 0:
            latent = latent + derivative(latent, sigmas[i], denoised) * (sigmas[i + 1] - sigmas[i])
        else:
            time, time_next = sigmas[i].log().neg(), sigmas[i + 1].log().neg()
            middle = time + (time_next - time) * 0.5
            between = sde_step(latent, denoised, (time, middle), noise, options)
            denoised_between = denoise(between, middle.neg().exp())
            latent = sde_step(latent, denoised_between, (time, time_next), noise, options)
        yield Step(i, sigmas[i], latent, denoised)


def sde_step(
    latent: Tensor,
    denoised: Tensor,
    times: tuple[Tensor, Tensor],
    noise: NoiseSource,
    options: SamplerOptions,
) -> Tensor:
    """The latent after a first-order ancestral step between two negative log-sigmas."""
    time, time_next = times
    sigma, sigma_next = time.neg().exp(), time_next.neg().exp()
    down, up = ancestral_sigmas(sigma, sigma_next, options.eta_ancestral)
    time_down = down.log().neg()
    latent = (time_down.neg().exp() / sigma) * latent - (time - time_down).expm1() * denoised
    return latent + noise(sigma, sigma_next) * options.s_noise * up if up > 0 else latent


def dpmpp_2m_sde(
    denoise: Denoise,
    latent: Tensor,
    sigmas: Tensor,
    noise: NoiseSource,
    options: SamplerOptions,
    solver: Literal["midpoint", "heun"] = "midpoint",
) -> Iterator[Step]:
    """DPM-Solver++(2M) SDE."""
    last_denoised: Tensor | None = None
    last_span = torch.zeros(())
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        if sigmas[i + 1] == 0:
            latent = denoised
        else:
            span = -sigmas[i + 1].log() - -sigmas[i].log()
            stirred = options.eta_ancestral * span
            latent = (
                sigmas[i + 1] / sigmas[i] * (-stirred).exp() * latent
                + (-span - stirred).expm1().neg() * denoised
            )
            if last_denoised is not None:
                ratio = last_span / span
                share = (-span - stirred).expm1().neg()
                share = 0.5 * share if solver == "midpoint" else share / (-span - stirred) + 1
                latent = latent + share * (1 / ratio) * (denoised - last_denoised)
            if options.eta_ancestral:
                fresh = noise(sigmas[i], sigmas[i + 1])
                latent = (
                    latent + fresh * sigmas[i + 1] * (-2 * stirred).expm1().neg().sqrt() * options.s_noise
                )
            last_span = span
        last_denoised = denoised
        yield Step(i, sigmas[i], latent, denoised)


def dpmpp_2m_sde_heun(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver++(2M) SDE with Heun's correction."""
    return dpmpp_2m_sde(denoise, latent, sigmas, noise, options, solver="heun")


def dpmpp_3m_sde(
    denoise: Denoise, latent: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """DPM-Solver++(3M) SDE."""
    past: list[tuple[Tensor, Tensor]] = []
    for i in range(len(sigmas) - 1):
        denoised = denoise(latent, sigmas[i])
        options.watch(StepMoment(i, sigmas[i], sigmas[i], latent, denoised))
        if sigmas[i + 1] == 0:
            latent = denoised
        else:
            span = -sigmas[i + 1].log() - -sigmas[i].log()
            stirred = span * (options.eta_ancestral + 1)
            latent = torch.exp(-stirred) * latent + (-stirred).expm1().neg() * denoised
            latent = multistep_correction(latent, denoised, span, stirred, past)
            if options.eta_ancestral:
                fresh = noise(sigmas[i], sigmas[i + 1])
                spread = (-2 * span * options.eta_ancestral).expm1().neg().sqrt()
                latent = latent + fresh * sigmas[i + 1] * spread * options.s_noise
            past = [(denoised, span), *past][:2]
        yield Step(i, sigmas[i], latent, denoised)


def multistep_correction(
    latent: Tensor, denoised: Tensor, span: Tensor, stirred: Tensor, past: list[tuple[Tensor, Tensor]]
) -> Tensor:
    """The latent corrected with up to two past estimates, newest first, each with the span of its step."""
    if not past:
        return latent
    phi_2 = stirred.neg().expm1() / stirred + 1
    denoised_1, span_1 = past[0]
    ratio_0 = span_1 / span
    slope_0 = (denoised - denoised_1) / ratio_0
    if len(past) == 1:
        return latent + phi_2 * slope_0
    denoised_2, span_2 = past[1]
    ratio_1 = span_2 / span
    slope_1 = (denoised_1 - denoised_2) / ratio_1
    first = slope_0 + (slope_0 - slope_1) * ratio_0 / (ratio_0 + ratio_1)
    second = (slope_0 - slope_1) / (ratio_0 + ratio_1)
    phi_3 = phi_2 / stirred - 0.5
    return latent + phi_2 * first - phi_3 * second
