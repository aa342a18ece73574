import json
from typing import Any

import pytest
import torch

from tests.golden_cases import GOLDENS
from webui.core.errors import InvalidRequest
from webui.core.sampling import SCHEDULES, find_sampler
from webui.diffusion.prediction import Prediction
from webui.diffusion.samplers import SAMPLERS
from webui.diffusion.schedules import ScheduleOptions, build_sigmas, sampler_sigmas, sampler_timesteps

GOLDEN: dict[str, Any] = json.loads((GOLDENS / "sigmas.json").read_text("utf-8"))
PREDICTION = Prediction.make("eps")
LEVELS = PREDICTION.levels
# The last bit of float32.
ALMOST = {"rtol": 3e-7, "atol": 0.0}


@pytest.mark.parametrize("label", GOLDEN["schedulers"])
def test_a_schedule_is_that_of_the_golden_for_any_number_of_steps(label: str) -> None:
    for steps, sigmas in GOLDEN["schedulers"][label].items():
        ours = build_sigmas(label, int(steps), LEVELS, ScheduleOptions())
        torch.testing.assert_close(ours, torch.tensor(sigmas), **ALMOST)


@pytest.mark.parametrize("label", GOLDEN["samplers"])
def test_a_sampler_runs_through_the_goldens_levels(label: str) -> None:
    levels = PREDICTION.consistency_levels() if SAMPLERS[label].is_consistency else LEVELS
    for key, values in GOLDEN["samplers"][label].items():
        name, _, steps = key.partition("_")
        if name == "timesteps":
            assert sampler_timesteps(int(steps)).tolist() == values
        elif name == "sigmas":
            ours = sampler_sigmas(label, "Automatic", int(steps), levels, ScheduleOptions())
            torch.testing.assert_close(ours, torch.tensor(values), **ALMOST)


def test_the_list_of_schedules_is_that_of_the_golden() -> None:
    ours = [
        {
            "name": each.name,
            "label": each.label,
            "default_rho": each.default_rho,
            "need_inner_model": each.needs_network_sigmas,
            "aliases": list(each.aliases) or None,
        }
        for each in SCHEDULES
    ]
    assert ours == GOLDEN["schedulers_meta"]


def test_the_range_and_rho_of_a_schedule_can_be_chosen() -> None:
    options = ScheduleOptions(sigma_min=0.1, sigma_max=10.0, rho=5.0)
    ours = build_sigmas("Karras", 12, LEVELS, options)
    steps = torch.linspace(0, 1, 12)
    expected = (10**0.2 + steps * (0.1**0.2 - 10**0.2)) ** 5
    torch.testing.assert_close(ours[:-1], expected)
    plain = build_sigmas("Uniform", 12, LEVELS, ScheduleOptions())
    assert torch.equal(build_sigmas("Uniform", 12, LEVELS, options), plain)


@pytest.mark.parametrize(
    "label", ["Exponential", "Polyexponential", "SGM Uniform", "KL Optimal", "Normal", "Beta"]
)
def test_every_schedule_that_has_a_range_starts_at_the_highest_sigma_asked_for(label: str) -> None:
    sigmas = build_sigmas(label, 10, LEVELS, ScheduleOptions(sigma_min=0.1, sigma_max=7.0))
    assert sigmas[0].item() == pytest.approx(7.0, rel=1e-5)
    assert (sigmas[1:] < sigmas[:-1]).all()


def test_the_old_karras_schedule_runs_from_10_to_a_tenth() -> None:
    sigmas = build_sigmas("Karras", 12, LEVELS, ScheduleOptions(use_old_karras_sigmas=True))
    torch.testing.assert_close(sigmas[[0, -2, -1]], torch.tensor([10.0, 0.1, 0.0]))


def test_sdxl_has_align_your_steps_of_its_own() -> None:
    sigmas = build_sigmas("Align Your Steps", 11, LEVELS, ScheduleOptions(is_sdxl=True))
    assert sigmas[1].item() == pytest.approx(6.315)
    assert len(sigmas) == 12


def test_discarding_leaves_out_the_last_sigma_but_one_of_a_longer_schedule() -> None:
    plain = sampler_sigmas("Euler", "Karras", 13, LEVELS, ScheduleOptions())
    discarded = sampler_sigmas("Euler", "Karras", 12, LEVELS, ScheduleOptions(), discard=True)
    assert torch.equal(discarded, torch.cat([plain[:-2], plain[-1:]]))
    assert find_sampler("DPM2").discards_next_to_last_sigma
    twice = sampler_sigmas("DPM2", "Karras", 12, LEVELS, ScheduleOptions(), discard=True)
    assert torch.equal(twice, discarded)


def test_discarding_counts_one_more_step_for_timesteps() -> None:
    assert sampler_timesteps(19, discard=True).tolist() == sampler_timesteps(20).tolist()


def test_more_steps_than_the_network_was_trained_on_give_every_timestep() -> None:
    assert sampler_timesteps(5000).tolist() == [*range(1, 1000), 999]


def test_a_range_the_wrong_way_round_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidRequest, match=r"lowest sigma, 20, is above the highest, 14\.6146"):
        build_sigmas("Karras", 12, LEVELS, ScheduleOptions(sigma_min=20.0))


@pytest.mark.parametrize("label", [each.label for each in SCHEDULES])
def test_no_steps_are_one_sigma_of_zero(label: str) -> None:
    assert build_sigmas(label, 0, LEVELS, ScheduleOptions()).tolist() == [0.0]
