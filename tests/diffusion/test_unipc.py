"""UniPC against the exact solution for data that is one Gaussian: errors fall as its order says."""

import itertools

import pytest
import torch

from tests.diffusion.test_samplers_timesteps import GaussianNoise, alpha_at, exact, no_noise, start
from webui.diffusion.prediction import scaled_linear_alphas_cumprod
from webui.diffusion.schedules import sampler_timesteps
from webui.diffusion.step import SamplerOptions, Step
from webui.diffusion.unipc import ContinuousNoise, interpolate, solver_times, unipc

ALPHAS = scaled_linear_alphas_cumprod()
# What the authors' code (github.com/wl-zhao/UniPC) makes of 1.25 in 8 steps: variant, order, result.
PUBLISHED = [
    ("bh1", 1, 1.1761721),
    ("bh1", 2, 1.1950134),
    ("bh1", 3, 1.1952015),
    ("bh1", 4, 1.1952128),
    ("bh2", 1, 1.1721511),
    ("bh2", 2, 1.1897529),
    ("bh2", 3, 1.1905062),
    ("bh2", 4, 1.1905220),
    ("vary_coeff", 1, 1.1733850),
    ("vary_coeff", 2, 1.1839862),
    ("vary_coeff", 3, 1.1816134),
    ("vary_coeff", 4, 1.1810544),
]


def walk(steps: int, network: GaussianNoise | None = None, **options: object) -> list[Step]:
    """All steps, for as many timesteps."""
    timesteps = torch.linspace(1, 999, steps).long()
    return list(unipc(network or GaussianNoise(), start(), timesteps, no_noise, SamplerOptions(**options)))


def error(steps: int, **options: object) -> float:
    """The largest distance from where the flow leads."""
    expected = exact(start(), ALPHAS[999].double(), ALPHAS[0].double())
    return (walk(steps, **options)[-1].latent - expected).abs().max().item()


@pytest.mark.parametrize("variant", ["bh1", "bh2", "vary_coeff"])
@pytest.mark.parametrize("skip_type", ["time_uniform", "time_quadratic", "logSNR"])
def test_every_variant_and_spacing_approaches_the_exact_solution(variant: str, skip_type: str) -> None:
    errors = [error(steps, uni_pc_variant=variant, uni_pc_skip_type=skip_type) for steps in (10, 40, 80)]
    assert errors[0] > 2 * errors[1] > 3 * errors[2]
    assert errors[2] < 3e-2


@pytest.mark.parametrize(("variant", "order", "latent"), PUBLISHED)
def test_the_result_is_that_of_the_published_code(variant: str, order: int, latent: float) -> None:
    network, one = GaussianNoise(), torch.full((1, 4, 1, 1), 1.25)
    options = SamplerOptions(uni_pc_variant=variant, uni_pc_order=order)
    *_, last = unipc(network, one, sampler_timesteps(8), no_noise, options)
    assert last.latent[0, 0, 0, 0].item() == pytest.approx(latent, rel=2e-5)


@pytest.mark.parametrize("variant", ["bh1", "bh2"])
def test_a_higher_order_is_nearer_than_a_lower(variant: str) -> None:
    errors = [
        error(20, uni_pc_variant=variant, uni_pc_order=order, uni_pc_skip_type="logSNR")
        for order in (1, 2, 3)
    ]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2]


def test_twice_the_steps_leave_a_small_part_of_the_error() -> None:
    assert error(20, uni_pc_skip_type="logSNR") < error(10, uni_pc_skip_type="logSNR") / 8


def test_there_is_one_call_and_one_step_for_each_timestep() -> None:
    network = GaussianNoise()
    steps = walk(12, network)
    assert [step.index for step in steps] == list(range(12))
    assert len(network.timesteps) == 12
    assert network.timesteps[0] == pytest.approx(999.0, abs=1e-3)


def test_fewer_steps_than_the_order_lower_the_order() -> None:
    assert walk(1)[-1].latent.isfinite().all()
    assert walk(2, uni_pc_order=3)[-1].latent.isfinite().all()
    assert walk(0) == []


def test_the_order_is_kept_to_the_end_where_that_is_asked_for() -> None:
    assert error(20, uni_pc_lower_order_final=False) != error(20, uni_pc_lower_order_final=True)


def test_from_an_image_it_starts_just_past_the_last_timestep() -> None:
    network = GaussianNoise()
    timesteps = sampler_timesteps(12)[:6]
    list(unipc(network, start(), timesteps, no_noise, SamplerOptions(starts_from_image=True)))
    assert network.timesteps[0] == pytest.approx(timesteps[-1].item(), abs=1e-3)
    assert len(network.timesteps) == 6


@pytest.mark.parametrize("skip_type", ["time_uniform", "time_quadratic", "logSNR"])
def test_times_fall_from_the_start_to_the_first_training_step(skip_type: str) -> None:
    times = solver_times(ContinuousNoise(ALPHAS), skip_type, 1.0, 10).tolist()
    assert times[0] == pytest.approx(1.0, abs=1e-4)
    assert times[-1] == pytest.approx(1e-3, abs=1e-5)
    assert all(before > after for before, after in itertools.pairwise(times))


def test_continuous_noise_goes_through_the_training_steps() -> None:
    noise = ContinuousNoise(ALPHAS)
    for timestep in (0, 500, 999):
        moment = noise.at(torch.tensor((timestep + 1) / 1000))
        assert moment.alpha.item() ** 2 == pytest.approx(alpha_at(ALPHAS, timestep).item(), rel=1e-4)
        assert moment.timestep.item() == pytest.approx(timestep, abs=1e-3)


def test_interpolation_goes_straight_on_beyond_the_ends() -> None:
    places, values = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 2.0, 3.0])
    found = interpolate(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0, 5.0]), places, values)
    assert found.tolist() == [-2.0, 0.0, 1.0, 2.0, 2.5, 4.0]
