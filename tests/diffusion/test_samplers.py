"""Samplers against k-diffusion on a toy denoiser, bit for bit."""

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.diffusion import k_diffusion_oracle
from tests.diffusion.toy import ToyNetwork, prompts
from tests.golden_cases import GOLDENS
from webui.core.sampling import SAMPLERS as SAMPLER_INFOS
from webui.diffusion.denoising import Denoising
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction
from webui.diffusion.samplers import SAMPLERS
from webui.diffusion.schedules import ScheduleOptions, sampler_sigmas
from webui.diffusion.step import SamplerOptions, Step, StepMoment

sampling = k_diffusion_oracle.load("sampling")

SHAPE = (2, 4, 8, 8)
SEEDS = (5, 6)
CHURN = SamplerOptions(s_churn=12.0, s_tmin=0.1, s_tmax=8.0, s_noise=1.003)
CHURN_ARGUMENTS = {"s_churn": 12.0, "s_tmin": 0.1, "s_tmax": 8.0, "s_noise": 1.003}
LEVELS = Prediction.make("eps").levels


def toy_denoise(latent: Tensor, sigma: Tensor) -> Tensor:
    """Something smooth that depends on all of the latent and on sigma."""
    sigma = sigma.reshape(-1, 1, 1, 1)
    mean = torch.tanh(latent.mean(dim=(2, 3), keepdim=True))
    return (latent.roll(1, dims=3) * 0.3 + latent * 0.6 + mean) / (1 + sigma * sigma) + torch.sin(
        3 * latent
    ) * 0.1


class Unseeded:
    """Noise from torch's global generator, as k-diffusion draws it."""

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        return torch.randn(SHAPE)


def start() -> Tensor:
    """A noisy latent, and torch's global generator in a known state."""
    torch.manual_seed(1)
    return torch.randn(SHAPE) * LEVELS.sigma_max


def ours(label: str, sigmas: Tensor, options: SamplerOptions, noise: Callable[..., Tensor]) -> list[Step]:
    """All steps of one of our samplers."""
    function = SAMPLERS[label].in_sigmas
    assert function is not None
    return list(function(toy_denoise, start(), sigmas, noise, options))


def theirs(name: str, sigmas: Tensor, **arguments: Any) -> tuple[Tensor, list[dict[str, Any]]]:
    """The result of one of k-diffusion's, and what its callback was told."""
    told: list[dict[str, Any]] = []
    result = getattr(sampling, f"sample_{name}")(
        toy_denoise, start(), sigmas=sigmas, disable=True, callback=told.append, **arguments
    )
    return result, told


PLAIN_CASES: list[tuple[str, str, SamplerOptions, dict[str, Any]]] = [
    ("Euler", "euler", SamplerOptions(), {}),
    ("Euler", "euler", CHURN, CHURN_ARGUMENTS),
    ("Heun", "heun", SamplerOptions(), {}),
    ("Heun", "heun", CHURN, CHURN_ARGUMENTS),
    ("DPM2", "dpm_2", SamplerOptions(), {}),
    ("DPM2", "dpm_2", CHURN, CHURN_ARGUMENTS),
    ("DPM++ 2M", "dpmpp_2m", SamplerOptions(), {}),
    ("Euler a", "euler_ancestral", SamplerOptions(), {}),
    ("Euler a", "euler_ancestral", SamplerOptions(eta_ancestral=0.5), {"eta": 0.5}),
    ("Euler a", "euler_ancestral", SamplerOptions(eta_ancestral=0.0), {"eta": 0.0}),
    ("DPM2 a", "dpm_2_ancestral", SamplerOptions(), {}),
    (
        "DPM2 a",
        "dpm_2_ancestral",
        SamplerOptions(eta_ancestral=0.7, s_noise=0.9),
        {"eta": 0.7, "s_noise": 0.9},
    ),
    ("DPM2 a", "dpm_2_ancestral", SamplerOptions(eta_ancestral=0.0), {"eta": 0.0}),
    ("DPM++ 2S a", "dpmpp_2s_ancestral", SamplerOptions(), {}),
    (
        "DPM++ 2S a",
        "dpmpp_2s_ancestral",
        SamplerOptions(eta_ancestral=0.4, s_noise=1.1),
        {"eta": 0.4, "s_noise": 1.1},
    ),
]
SDE_CASES: list[tuple[str, str, SamplerOptions, dict[str, Any]]] = [
    ("DPM++ SDE", "dpmpp_sde", SamplerOptions(), {}),
    ("DPM++ SDE", "dpmpp_sde", SamplerOptions(eta_ancestral=0.5, s_noise=0.9), {"eta": 0.5, "s_noise": 0.9}),
    ("DPM++ 2M SDE", "dpmpp_2m_sde", SamplerOptions(), {}),
    ("DPM++ 2M SDE", "dpmpp_2m_sde", SamplerOptions(eta_ancestral=0.0), {"eta": 0.0}),
    (
        "DPM++ 2M SDE Heun",
        "dpmpp_2m_sde",
        SamplerOptions(s_noise=0.9),
        {"solver_type": "heun", "s_noise": 0.9},
    ),
    ("DPM++ 3M SDE", "dpmpp_3m_sde", SamplerOptions(), {}),
    ("DPM++ 3M SDE", "dpmpp_3m_sde", SamplerOptions(eta_ancestral=0.6), {"eta": 0.6}),
]


def assert_same(steps: list[Step], expected: tuple[Tensor, list[dict[str, Any]]]) -> None:
    """Result, indexes and every estimate are equal."""
    result, told = expected
    assert torch.equal(steps[-1].latent, result)
    assert [step.index for step in steps] == [call["i"] for call in told]
    assert all(torch.equal(step.denoised, call["denoised"]) for step, call in zip(steps, told, strict=True))


@pytest.mark.parametrize("schedule", ["Karras", "KL Optimal"])
@pytest.mark.parametrize(("label", "name", "options", "arguments"), PLAIN_CASES)
def test_a_sampler_is_bit_equal_to_that_of_k_diffusion(
    label: str, name: str, options: SamplerOptions, arguments: dict[str, Any], schedule: str
) -> None:
    sigmas = sampler_sigmas(label, schedule, 12, LEVELS, ScheduleOptions())
    expected = theirs(name, sigmas, **arguments)
    assert_same(ours(label, sigmas, options, Unseeded()), expected)


@pytest.mark.parametrize("schedule", ["Exponential", "KL Optimal"])
@pytest.mark.parametrize(("label", "name", "options", "arguments"), SDE_CASES)
def test_an_sde_sampler_is_bit_equal_on_the_same_brownian_paths(
    label: str, name: str, options: SamplerOptions, arguments: dict[str, Any], schedule: str
) -> None:
    sigmas = sampler_sigmas(label, schedule, 12, LEVELS, ScheduleOptions())
    lowest, highest = sigmas[sigmas > 0].min(), sigmas.max()
    with warnings.catch_warnings():
        # torchsde warns of times a rounding error past the ends.
        warnings.simplefilter("ignore")
        tree = sampling.BrownianTreeNoiseSampler(torch.zeros(SHAPE), lowest, highest, seed=list(SEEDS))
        expected = theirs(name, sigmas, noise_sampler=tree, **arguments)
    noise = ImageNoise(SHAPE[1:], SEEDS, NoiseOptions(source="CPU"), "cpu")
    assert_same(ours(label, sigmas, options, noise.brownian(float(lowest), float(highest))), expected)


def meddle(sigma: Any, latent: Tensor, denoised: Tensor) -> None:
    """What an extension may do in a step's middle: write into both tensors."""
    latent += 0.01 * torch.cos(latent)
    denoised *= 0.97


def watching(options: SamplerOptions) -> tuple[SamplerOptions, list[tuple[int, float, float]]]:
    """The options with somebody who meddles in each step, and what was told of each."""
    told: list[tuple[int, float, float]] = []

    def watch(moment: StepMoment) -> None:
        told.append((moment.index, float(moment.sigma), float(moment.sigma_hat)))
        meddle(moment.sigma, moment.latent, moment.denoised)

    return replace(options, watch=watch), told


def meddled(function: Callable[..., Tensor], *given: Any, **arguments: Any) -> tuple[Tensor, Any]:
    """The result of one of k-diffusion's whose callback meddles, and what it was told."""
    told: list[tuple[int, float, float]] = []

    def callback(d: dict[str, Any]) -> None:
        told.append((d["i"], float(d["sigma"]), float(d["sigma_hat"])))
        meddle(d["sigma"], d["x"], d["denoised"])

    return function(toy_denoise, start(), *given, disable=True, callback=callback, **arguments), told


@pytest.mark.parametrize(("label", "name", "options", "arguments"), PLAIN_CASES)
def test_what_a_watcher_writes_acts_as_in_the_callback_of_k_diffusion(
    label: str, name: str, options: SamplerOptions, arguments: dict[str, Any]
) -> None:
    sigmas = sampler_sigmas(label, "Karras", 12, LEVELS, ScheduleOptions())
    expected, told = meddled(getattr(sampling, f"sample_{name}"), sigmas, **arguments)
    watched, seen = watching(options)
    assert torch.equal(ours(label, sigmas, watched, Unseeded())[-1].latent, expected)
    assert seen == told


@pytest.mark.parametrize(("label", "name", "options", "arguments"), SDE_CASES)
def test_a_watcher_acts_in_sde_samplers_as_in_those_of_k_diffusion(
    label: str, name: str, options: SamplerOptions, arguments: dict[str, Any]
) -> None:
    sigmas = sampler_sigmas(label, "Exponential", 12, LEVELS, ScheduleOptions())

    def noise(*sigmas: Any) -> Tensor:
        return torch.randn(SHAPE)

    function = getattr(sampling, f"sample_{name}")
    expected, told = meddled(function, sigmas, noise_sampler=noise, **arguments)
    watched, seen = watching(options)
    assert torch.equal(ours(label, sigmas, watched, noise)[-1].latent, expected)
    assert seen == told


def test_a_watcher_acts_in_dpm_fast_and_adaptive_as_in_those_of_k_diffusion() -> None:
    ends = (LEVELS.sigma_min, LEVELS.sigma_max)
    options = SamplerOptions(eta_ancestral=1.0, sigma_range=ends)
    for label, name, more in (("DPM fast", "dpm_fast", (12,)), ("DPM adaptive", "dpm_adaptive", ())):
        expected, told = meddled(getattr(sampling, f"sample_{name}"), *ends, *more, eta=1.0)
        watched, seen = watching(options)
        assert torch.equal(ours(label, LEVELS.uniform(12), watched, Unseeded())[-1].latent, expected)
        assert [index for index, *_ in seen] == [index for index, *_ in told]


@pytest.mark.parametrize("label", sorted(SAMPLERS))
def test_a_watcher_who_does_nothing_changes_nothing_and_sees_every_step(label: str) -> None:
    plain, watched, told = small_denoising(label), small_denoising(label), list[int]()
    watched.during_step.append(lambda moment: told.append(moment.index))
    expected, steps = list(plain.run()), list(watched.run())
    assert torch.equal(steps[-1].latent, expected[-1].latent)
    assert told == [step.index for step in expected]


def small_denoising(label: str) -> Denoising:
    """A run of a toy network."""
    return Denoising(
        network=ToyNetwork(),
        prediction=Prediction.make("eps"),
        cond=prompts(0.2, 0.4),
        uncond=prompts(0.1, 0.1),
        noise=ImageNoise(SHAPE[1:], SEEDS, NoiseOptions(source="CPU"), "cpu"),
        sampler=label,
        steps=5,
    )


def test_lms_agrees_with_k_diffusion_to_the_last_bits() -> None:
    # Theirs integrates numerically, ours exactly.
    sigmas = sampler_sigmas("LMS", "Karras", 12, LEVELS, ScheduleOptions())
    result, _ = theirs("lms", sigmas)
    torch.testing.assert_close(
        ours("LMS", sigmas, SamplerOptions(), Unseeded())[-1].latent, result, rtol=2e-5, atol=2e-5
    )


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 12])
def test_dpm_fast_is_bit_equal_to_k_diffusion(steps: int, eta: float) -> None:
    options = SamplerOptions(
        eta_ancestral=eta, s_noise=1.01, sigma_range=(LEVELS.sigma_min, LEVELS.sigma_max)
    )
    expected = sampling.sample_dpm_fast(
        toy_denoise, start(), LEVELS.sigma_min, LEVELS.sigma_max, steps, disable=True, eta=eta, s_noise=1.01
    )
    assert torch.equal(ours("DPM fast", LEVELS.uniform(steps), options, Unseeded())[-1].latent, expected)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_dpm_adaptive_is_bit_equal_to_k_diffusion(eta: float) -> None:
    options = SamplerOptions(eta_ancestral=eta, sigma_range=(LEVELS.sigma_min, LEVELS.sigma_max))
    expected, info = sampling.sample_dpm_adaptive(
        toy_denoise, start(), LEVELS.sigma_min, LEVELS.sigma_max, disable=True, eta=eta, return_info=True
    )
    steps = ours("DPM adaptive", LEVELS.uniform(12), options, Unseeded())
    assert torch.equal(steps[-1].latent, expected)
    assert len(steps) == info["steps"]


def test_dpm_fast_and_adaptive_walk_between_the_ends_of_the_sigmas_when_starting_from_an_image() -> None:
    sigmas = LEVELS.uniform(12)[5:]
    lowest, highest = sigmas[-2].item(), sigmas[0].item()
    for label, name, arguments in (("DPM fast", "dpm_fast", {"n": 7}), ("DPM adaptive", "dpm_adaptive", {})):
        expected = getattr(sampling, f"sample_{name}")(
            toy_denoise, start(), sigma_min=lowest, sigma_max=highest, disable=True, eta=1.0, **arguments
        )
        assert torch.equal(ours(label, sigmas, SamplerOptions(), Unseeded())[-1].latent, expected)


def test_restart_with_few_steps_is_heun() -> None:
    sigmas = sampler_sigmas("Restart", "Karras", 12, LEVELS, ScheduleOptions())
    restart, heun = (ours(label, sigmas, SamplerOptions(), Unseeded()) for label in ("Restart", "Heun"))
    assert torch.equal(restart[-1].latent, heun[-1].latent)


@pytest.mark.parametrize("schedule", ["Karras", "KL Optimal", "Align Your Steps"])
@pytest.mark.parametrize(("steps", "times"), [(20, 1), (35, 1), (36, 2), (50, 2)])
def test_restart_goes_back_up_and_still_takes_the_steps_asked_for(
    steps: int, times: int, schedule: str
) -> None:
    sigmas = sampler_sigmas("Restart", schedule, steps, LEVELS, ScheduleOptions())
    draws: list[Tensor] = []

    def noise(sigma: Tensor, sigma_next: Tensor) -> Tensor:
        draws.append(sigma_next)
        return torch.zeros(SHAPE)

    walked = ours("Restart", sigmas, SamplerOptions(), noise)
    assert len(draws) == times
    assert [step.index for step in walked] == list(range(steps))
    starts = [step.sigma for step in walked]
    rises = [(before, after) for before, after in pairwise(starts) if after > before]
    assert len(rises) == times
    assert all(abs(after - 2.0) < 0.8 for _, after in rises)


def test_lcm_ends_in_the_estimate_and_adds_noise_of_the_next_sigma_before() -> None:
    sigmas = torch.tensor([3.0, 1.0, 0.0])
    first, second = ours("LCM", sigmas, SamplerOptions(), lambda a, b: torch.ones(SHAPE))
    assert torch.equal(first.latent, first.denoised + 1.0)
    assert torch.equal(second.latent, second.denoised)


def test_every_sampler_of_the_list_has_exactly_one_function() -> None:
    assert set(SAMPLERS) == {info.label for info in SAMPLER_INFOS}
    assert all((each.in_sigmas is None) != (each.in_timesteps is None) for each in SAMPLERS.values())
    assert all((each.in_timesteps is not None) == each.info.uses_timesteps for each in SAMPLERS.values())


def test_the_list_of_samplers_is_that_of_the_golden() -> None:
    golden = json.loads((GOLDENS / "sigmas.json").read_text("utf-8"))["samplers"]
    for label, data in golden.items():
        info, options = SAMPLERS[label].info, data["options"]
        assert list(info.aliases) == data["aliases"]
        assert info.default_schedule.lower() == options.get("scheduler", "automatic")
        assert info.is_second_order == options.get("second_order", False)
        assert info.uses_ensd == options.get("uses_ensd", False)
        assert info.uses_brownian_noise == options.get("brownian_noise", False)
        assert info.discards_next_to_last_sigma == options.get("discard_next_to_last_sigma", False)
        assert data["total_steps_for_12"] == (24 if info.is_second_order else 12)


def test_steps_are_not_computed_before_they_are_asked_for() -> None:
    calls: list[float] = []

    def counting(latent: Tensor, sigma: Tensor) -> Tensor:
        calls.append(float(sigma))
        return toy_denoise(latent, sigma)

    function = SAMPLERS["Euler"].in_sigmas
    assert function is not None
    steps: Iterator[Step] = function(counting, start(), LEVELS.uniform(12), Unseeded(), SamplerOptions())
    next(steps)
    next(steps)
    assert len(calls) == 2
