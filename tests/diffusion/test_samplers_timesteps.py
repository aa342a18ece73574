"""DDIM against diffusers.

All against the exact solution for data that is one Gaussian, whose noise is known.
"""

from collections.abc import Callable

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from webui.diffusion.prediction import scaled_linear_alphas_cumprod
from webui.diffusion.samplers import SAMPLERS
from webui.diffusion.samplers_timesteps import adams_bashforth
from webui.diffusion.schedules import sampler_timesteps
from webui.diffusion.step import SamplerOptions, Step

SHAPE = (2, 4, 5, 5)
MEAN, SPREAD = 0.7, 0.5


class GaussianNoise:
    """The best guess of the noise, where every clean value is drawn from one normal distribution."""

    def __init__(self) -> None:
        self.alphas_cumprod = scaled_linear_alphas_cumprod()
        self.uncond_noise = torch.zeros(SHAPE)
        self.timesteps: list[float] = []

    def __call__(self, latent: Tensor, timestep: Tensor) -> Tensor:
        self.timesteps.append(float(timestep))
        return noise_in(latent, alpha_at(self.alphas_cumprod, float(timestep)))


def alpha_at(alphas_cumprod: Tensor, timestep: float) -> Tensor:
    """The share of signal, between the training steps linear in its logarithm."""
    low = min(int(timestep), len(alphas_cumprod) - 2)
    logs = alphas_cumprod.double().log()
    return (logs[low] + (timestep - low) * (logs[low + 1] - logs[low])).exp()


def noise_in(latent: Tensor, alpha: Tensor) -> Tensor:
    """The mean of the noise, given the latent."""
    variance = alpha * SPREAD**2 + 1 - alpha
    return ((1 - alpha).sqrt() / variance * (latent - alpha.sqrt() * MEAN)).float()


def exact(latent: Tensor, alpha: Tensor, alpha_end: Tensor) -> Tensor:
    """Where the probability flow leads from one share of signal to another."""
    spreads = [(share * SPREAD**2 + 1 - share).sqrt() for share in (alpha, alpha_end)]
    return (alpha_end.sqrt() * MEAN + (latent - alpha.sqrt() * MEAN) * spreads[1] / spreads[0]).float()


def no_noise(sigma: Tensor, sigma_next: Tensor) -> Tensor:
    raise AssertionError("noise was drawn where none is needed")


def start() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))


def walk(
    label: str,
    steps: int,
    options: SamplerOptions | None = None,
    noise: Callable[[Tensor, Tensor], Tensor] = no_noise,
    network: GaussianNoise | None = None,
) -> list[Step]:
    """All steps from noise."""
    function = SAMPLERS[label].in_timesteps
    assert function is not None
    timesteps = sampler_timesteps(steps)
    return list(function(network or GaussianNoise(), start(), timesteps, noise, options or SamplerOptions()))


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_ddim_agrees_with_diffusers(eta: float) -> None:
    steps = 20
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
    )
    scheduler.set_timesteps(steps)
    generator, other = torch.Generator().manual_seed(9), torch.Generator().manual_seed(9)
    network, latent = GaussianNoise(), start()
    # Ours only steps to the first timestep; there it ends.
    for timestep in scheduler.timesteps[:-1]:
        drawn = torch.randn(SHAPE, generator=generator)
        latent = scheduler.step(
            network(latent, timestep), int(timestep), latent, eta=eta, variance_noise=drawn
        ).prev_sample
    ours = walk("DDIM", steps, SamplerOptions(eta_ddim=eta), lambda a, b: torch.randn(SHAPE, generator=other))
    assert len(ours) == steps - 1
    torch.testing.assert_close(ours[-1].latent, latent, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("label", "error"), [("DDIM", 8e-2), ("PLMS", 1e-2)])
def test_fifty_steps_come_near_the_exact_solution(label: str, error: float) -> None:
    alphas, timesteps = scaled_linear_alphas_cumprod().double(), sampler_timesteps(50)
    expected = exact(start(), alphas[timesteps[-1]], alphas[timesteps[0]])
    assert (walk(label, 50)[-1].latent - expected).abs().max() < error


def test_plms_looks_ahead_in_the_first_step_only() -> None:
    network = GaussianNoise()
    steps = walk("PLMS", 10, network=network)
    assert network.timesteps[:3] == [901.0, 801.0, 801.0]
    assert len(network.timesteps) == len(steps) + 1


def test_twelve_steps_are_twelve_calls_though_there_are_thirteen_timesteps() -> None:
    network = GaussianNoise()
    walk("DDIM", 12, network=network)
    assert network.timesteps == [997.0 - 83 * i for i in range(12)]


def test_cfgpp_adds_back_the_negative_prompts_noise() -> None:
    network = GaussianNoise()
    network.uncond_noise = torch.full(SHAPE, 0.25)
    first = walk("DDIM CFG++", 10, network=network)[0]
    alpha_next = network.alphas_cumprod[801]
    expected = alpha_next.sqrt() * first.denoised + (1 - alpha_next).sqrt() * 0.25
    torch.testing.assert_close(first.latent, expected)


def test_each_step_shows_the_clean_latent_and_its_sigma() -> None:
    step = walk("DDIM", 10)[3]
    alpha = scaled_linear_alphas_cumprod()[601]
    assert step.sigma.item() == pytest.approx(((1 - alpha) / alpha).sqrt().item(), rel=1e-5)
    torch.testing.assert_close(step.denoised.mean().item(), MEAN, rtol=0.2, atol=0)


def test_one_step_or_none_makes_no_call() -> None:
    for label in ("DDIM", "DDIM CFG++", "PLMS"):
        assert walk(label, 1) == []


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_adams_bashforth_is_exact_for_polynomials(count: int) -> None:
    degree = min(count, 4) - 1
    past = [torch.tensor(float((-i) ** degree)) for i in range(count)]
    assert adams_bashforth(past).item() == pytest.approx(1 / (degree + 1))


def test_adams_bashforth_refuses_a_single_value() -> None:
    with pytest.raises(ValueError, match="two to four"):
        adams_bashforth([torch.zeros(1)])
