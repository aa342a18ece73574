"""Samplers that count in training timesteps: DDIM, DDIM CFG++, PLMS. Latents have unit variance.

They walk the rising timesteps from the last to the second; the first is only stepped to.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from webui.diffusion.prediction import sigmas_of
from webui.diffusion.step import NoiseSource, PredictNoise, SamplerOptions, Step, StepMoment


@dataclass(frozen=True, slots=True)
class TimestepCoefficients:
    """Shares of signal (0-dim float32, CPU) where a step starts and ends, and what follows from them."""

    timestep: Tensor
    alpha: Tensor
    alpha_next: Tensor
    spread: Tensor
    fresh: Tensor

    def clean(self, latent: Tensor, noise: Tensor) -> Tensor:
        """The clean latent, given the noise in it."""
        return (latent - self.spread * noise) / self.alpha.sqrt()

    def step(self, clean: Tensor, noise: Tensor) -> Tensor:
        """The latent at the end of the step, before fresh noise."""
        return self.alpha_next.sqrt() * clean + (1.0 - self.alpha_next - self.fresh**2).sqrt() * noise

    @property
    def sigma(self) -> Tensor:
        """Ratio of noise to signal where the step starts."""
        return sigmas_of(self.alpha)


def coefficients(timesteps: Tensor, alphas_cumprod: Tensor, eta: float) -> list[TimestepCoefficients]:
    """Those of each step, in the order of sampling."""
    alphas = alphas_cumprod[timesteps]
    spreads = torch.sqrt(1 - alphas).float()
    exact = alphas.double()
    steps = []
    for index in range(len(timesteps) - 1, 0, -1):
        alpha, alpha_next = exact[index], exact[index - 1]
        fresh = eta * ((1 - alpha_next) / (1 - alpha) * (1 - alpha / alpha_next)).sqrt()
        steps.append(
            TimestepCoefficients(
                timesteps[index], alpha.float(), alpha_next.float(), spreads[index], fresh.float()
            )
        )
    return steps


def ddim(
    predict_noise: PredictNoise,
    latent: Tensor,
    timesteps: Tensor,
    noise: NoiseSource,
    options: SamplerOptions,
) -> Iterator[Step]:
    """Denoising diffusion implicit models (Song et al. 2021)."""
    for i, step in enumerate(coefficients(timesteps, predict_noise.alphas_cumprod, options.eta_ddim)):
        predicted = predict_noise(latent, step.timestep)
        denoised = step.clean(latent, predicted)
        latent = add_fresh_noise(step.step(denoised, predicted), step, noise)
        options.watch(StepMoment(i, step.sigma, step.sigma, latent, denoised))
        yield Step(i, step.sigma, latent, denoised)


def ddim_cfgpp(
    predict_noise: PredictNoise,
    latent: Tensor,
    timesteps: Tensor,
    noise: NoiseSource,
    options: SamplerOptions,
) -> Iterator[Step]:
    """DDIM that adds back the noise predicted for the negative prompt alone: CFG++ (Chung et al. 2024)."""
    for i, step in enumerate(coefficients(timesteps, predict_noise.alphas_cumprod, options.eta_ddim)):
        denoised = step.clean(latent, predict_noise(latent, step.timestep))
        latent = add_fresh_noise(step.step(denoised, predict_noise.uncond_noise), step, noise)
        options.watch(StepMoment(i, step.sigma, step.sigma, latent, denoised))
        yield Step(i, step.sigma, latent, denoised)


def add_fresh_noise(latent: Tensor, step: TimestepCoefficients, noise: NoiseSource) -> Tensor:
    """The latent with the share of noise that eta asks for."""
    return latent + step.fresh * noise(step.sigma, step.sigma) if step.fresh > 0 else latent


def plms(
    predict_noise: PredictNoise,
    latent: Tensor,
    timesteps: Tensor,
    noise: NoiseSource,
    options: SamplerOptions,
) -> Iterator[Step]:
    """Pseudo linear multistep (Liu et al. 2022): Adams-Bashforth on the predicted noise."""
    past: list[Tensor] = []
    steps = coefficients(timesteps, predict_noise.alphas_cumprod, eta=0.0)
    for i, step in enumerate(steps):
        predicted = predict_noise(latent, step.timestep)
        if past:
            blend = adams_bashforth([predicted, *past])
        else:
            ahead = step.step(step.clean(latent, predicted), predicted)
            timestep_next = timesteps[len(timesteps) - 2 - i]
            blend = (predicted + predict_noise(ahead, timestep_next)) / 2
        denoised = step.clean(latent, blend)
        latent = step.step(denoised, blend)
        past = [predicted, *past][:3]
        options.watch(StepMoment(i, step.sigma, step.sigma, latent, denoised))
        yield Step(i, step.sigma, latent, denoised)


def adams_bashforth(noises: list[Tensor]) -> Tensor:
    """The mean noise over the next step, from two to four past ones, newest first."""
    match noises:
        case [a, b]:
            return (3 * a - b) / 2
        case [a, b, c]:
            return (23 * a - 16 * b + 5 * c) / 12
        case [a, b, c, d, *_]:
            return (55 * a - 59 * b + 37 * c - 9 * d) / 24
        case _:
            raise ValueError(f"Adams-Bashforth needs two to four values, not {len(noises)}")
