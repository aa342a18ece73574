from typing import Any

import pytest
import torch
from torch import Tensor

from tests.diffusion.toy import ToyNetwork, prompt, prompts
from webui.diffusion.conditioning import Conditioning
from webui.diffusion.guidance import Guidance, GuidedNetwork, Hooks, NetworkInput, NetworkOutput, Row
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.prediction import Prediction, SigmaPreconditioning, TimestepPreconditioning

LATENT = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(1))
SIGMA = torch.tensor(2.0)


def guided(**changes: Any) -> GuidedNetwork:
    """Two images, CFG 7, ten evaluations; results are the network's own outputs."""
    fields: dict[str, Any] = {
        "network": ToyNetwork(),
        "preconditioning": TimestepPreconditioning(Prediction.make("eps")),
        "cond": prompts(1.0, 2.0),
        "uncond": prompts(0.25, 0.5),
        "guidance": Guidance(),
        "hooks": Hooks(),
        "total_evaluations": 10,
    }
    return GuidedNetwork(**(fields | changes))


def calls(network: GuidedNetwork) -> list[Any]:
    """How the toy was called."""
    assert isinstance(network.network, ToyNetwork)
    return network.network.calls


def expected(cond: tuple[float, float], uncond: tuple[float, float], scale: float) -> Tensor:
    """CFG of the toy's outputs."""
    means = torch.tensor([low + (high - low) * scale for high, low in zip(cond, uncond, strict=True)])
    return LATENT * 0.1 + means[:, None, None, None]


def test_the_result_moves_from_the_negative_prompt_to_the_prompt_by_the_scale() -> None:
    torch.testing.assert_close(guided()(LATENT, SIGMA), expected((1.0, 2.0), (0.25, 0.5), 7.0))


def test_a_scale_of_one_still_evaluates_the_negative_prompt() -> None:
    network = guided(guidance=Guidance(cfg_scale=1.0))
    torch.testing.assert_close(network(LATENT, SIGMA), expected((1.0, 2.0), (0.25, 0.5), 1.0))
    assert len(calls(network)[0].latent) == 4


def test_rows_are_prompts_image_by_image_then_negatives() -> None:
    cond = Conditioning(((prompt(1.0, 0.75), prompt(3.0, 0.5)), (prompt(2.0),)))
    seen: list[NetworkInput] = []
    network = guided(cond=cond, hooks=Hooks(before_guidance=[seen.append]))
    network(LATENT, SIGMA)
    assert seen[0].rows == (
        Row(0, True, 0, 0.75),
        Row(0, True, 1, 0.5),
        Row(1, True, 0, 1.0),
        Row(0, False),
        Row(1, False),
    )
    assert torch.equal(calls(network)[0].latent, LATENT[[0, 0, 1, 0, 1]])
    assert calls(network)[0].crossattn[:, 0, 0].tolist() == [1.0, 3.0, 2.0, 0.25, 0.5]


def test_and_parts_add_up_by_their_weights() -> None:
    cond = Conditioning(((prompt(1.0, 0.75), prompt(3.0, -0.5)), (prompt(2.0),)))
    result = guided(cond=cond)(LATENT, SIGMA)
    first = 0.25 + 7.0 * (0.75 * (1.0 - 0.25) - 0.5 * (3.0 - 0.25))
    torch.testing.assert_close(result[0], LATENT[0] * 0.1 + first, rtol=1e-5, atol=1e-5)


def test_prompts_change_by_the_count_of_evaluations() -> None:
    network = guided()
    for _ in range(3):
        network(LATENT, SIGMA)
    assert network.evaluation == 3


def test_unequal_lengths_run_as_separate_calls_with_the_same_result() -> None:
    network = guided(uncond=prompts(0.25, 0.5, tokens=5))
    torch.testing.assert_close(network(LATENT, SIGMA), expected((1.0, 2.0), (0.25, 0.5), 7.0))
    assert [call.crossattn.shape[:2] for call in calls(network)] == [(2, 3), (2, 5)]


def test_padding_makes_one_call_of_unequal_lengths_and_is_told() -> None:
    padding = torch.zeros(1, 2)
    network = guided(
        uncond=prompts(0.25, 0.5, tokens=5), guidance=Guidance(pad_cond_uncond=True, padding=padding)
    )
    network(LATENT, SIGMA)
    assert [call.crossattn.shape[:2] for call in calls(network)] == [(4, 5)]
    assert network.effects == {"Pad conds"}


def test_the_old_padding_wins_over_the_new_one() -> None:
    options = Guidance(pad_cond_uncond=True, pad_cond_uncond_v0=True, padding=torch.zeros(1, 2))
    network = guided(uncond=prompts(0.25, 0.5, tokens=5), guidance=options)
    network(LATENT, SIGMA)
    assert [call.crossattn.shape[:2] for call in calls(network)] == [(4, 3)]
    assert network.effects == {"Pad conds v0"}


def test_equal_lengths_are_not_padded() -> None:
    network = guided(guidance=Guidance(pad_cond_uncond=True, padding=torch.zeros(1, 2)))
    network(LATENT, SIGMA)
    assert network.effects == set()


def test_prompt_and_negative_can_be_run_one_after_the_other() -> None:
    network = guided(guidance=Guidance(batch_cond_uncond=False))
    torch.testing.assert_close(network(LATENT, SIGMA), expected((1.0, 2.0), (0.25, 0.5), 7.0))
    assert [len(call.latent) for call in calls(network)] == [2, 2]


@pytest.mark.parametrize(("every_step", "rows"), [(False, [4, 2, 4, 2]), (True, [2, 2, 2, 2])])
def test_below_the_minimum_sigma_the_negative_prompt_is_left_out(every_step: bool, rows: list[int]) -> None:
    network = guided(guidance=Guidance(s_min_uncond=3.0, s_min_uncond_all=every_step))
    results = [network(LATENT, SIGMA) for _ in range(4)]
    assert [len(call.latent) for call in calls(network)] == rows
    torch.testing.assert_close(results[1], expected((1.0, 2.0), (0.25, 0.5), 1.0))
    assert network.effects == ({"NGMS", "NGMS all steps"} if every_step else {"NGMS"})


def test_at_the_minimum_sigma_nothing_is_left_out() -> None:
    network = guided(guidance=Guidance(s_min_uncond=2.0, s_min_uncond_all=True))
    network(LATENT, SIGMA)
    assert len(calls(network)[0].latent) == 4
    assert network.effects == set()


def test_early_steps_can_leave_out_the_negative_prompt() -> None:
    network = guided(guidance=Guidance(skip_early_cond=0.2))
    for _ in range(4):
        network(LATENT, SIGMA)
    # Of ten evaluations the first, and those up to and including 20 %.
    assert [len(call.latent) for call in calls(network)] == [2, 2, 2, 4]
    assert network.effects == {"Skip Early CFG"}


def test_without_negative_rows_and_parts_still_add_up() -> None:
    cond = Conditioning(((prompt(1.0), prompt(3.0)), (prompt(2.0),)))
    network = guided(cond=cond, guidance=Guidance(skip_early_cond=1.0))
    # The first part stands for the negative prompt, so it does not move, and the second moves by its weight.
    torch.testing.assert_close(network(LATENT, SIGMA), expected((3.0, 2.0), (1.0, 2.0), 1.0))


def test_sigma_samplers_get_denoised_latents_and_the_network_scaled_ones() -> None:
    prediction = Prediction.make("eps")
    network = guided(preconditioning=SigmaPreconditioning(prediction))
    result = network(LATENT, SIGMA)
    scaled = LATENT / 5**0.5
    torch.testing.assert_close(calls(network)[0].latent[:2], scaled)
    torch.testing.assert_close(calls(network)[0].timestep, prediction.levels.sigma_to_t(SIGMA).expand(4))
    means = torch.tensor([0.25 + 0.75 * 7, 0.5 + 1.5 * 7])[:, None, None, None]
    torch.testing.assert_close(result, LATENT - 2.0 * (scaled * 0.1 + means), rtol=1e-5, atol=1e-5)


def test_image_conditioning_is_joined_to_every_row_after_scaling() -> None:
    extra = torch.arange(2.0).reshape(2, 1, 1, 1).expand(2, 5, 3, 3)
    network = guided(image_conditioning=extra, preconditioning=SigmaPreconditioning(Prediction.make("eps")))
    network(LATENT, SIGMA)
    assert calls(network)[0].latent.shape == (4, 9, 3, 3)
    assert calls(network)[0].latent[:, 4, 0, 0].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_what_is_kept_is_blended_in_after_guidance_or_before_the_network() -> None:
    keep = torch.zeros(1, 1, 3, 3)
    keep[..., 0] = 1.0
    mask = LatentMask(torch.full_like(LATENT, 9.0), keep)
    after = guided(mask=mask)
    assert (after(LATENT, SIGMA)[..., 0] == 9.0).all()
    assert torch.equal(calls(after)[0].latent[:2], LATENT)
    before = guided(mask=mask, blends_before=True)
    assert not (before(LATENT, SIGMA)[..., 0] == 9.0).any()
    assert (calls(before)[0].latent[..., 0] == 9.0).all()
    assert torch.equal(calls(before)[0].latent[:2, :, :, 1:], LATENT[..., 1:])


def test_hooks_before_guidance_may_edit_and_replace_all_tensors() -> None:
    def change(batch: NetworkInput) -> None:
        batch.latent = batch.latent + 1.0
        batch.level[:] = 500.0
        batch.cond.crossattn[:] = 4.0

    network = guided(hooks=Hooks(before_guidance=[change]))
    network(LATENT, SIGMA)
    network(LATENT, SIGMA)
    for call in calls(network):
        torch.testing.assert_close(call.latent[:2], LATENT + 1.0)
        assert call.timestep.tolist() == [500.0] * 4
        assert call.crossattn[:, 0, 0].tolist() == [4.0, 4.0, 0.25, 0.5]
    # What the prompts were made of is untouched.
    assert network.cond.at(0).crossattn[0, 0, 0] == 1.0


def test_hooks_before_the_network_see_the_whole_batch_once_and_add_residuals_by_row() -> None:
    seen: list[tuple[int, int]] = []

    def control(batch: NetworkInput) -> None:
        latent, timestep = batch.network_latent()
        seen.append((len(latent), len(timestep)))
        values = torch.arange(float(len(batch.rows)))
        batch.residuals["down"] = (values, [values * 10])

    network = guided(uncond=prompts(0.25, 0.5, tokens=5), hooks=Hooks(before_network=[control]))
    network(LATENT, SIGMA)
    assert seen == [(4, 4)]
    downs = [call.residuals["down"] for call in calls(network)]
    assert [down[0].tolist() for down in downs] == [[0.0, 1.0], [2.0, 3.0]]
    assert [down[1][0].tolist() for down in downs] == [[0.0, 10.0], [20.0, 30.0]]


def test_hooks_before_the_network_do_not_see_rows_that_are_left_out() -> None:
    seen: list[int] = []
    network = guided(
        guidance=Guidance(skip_early_cond=1.0),
        hooks=Hooks(before_network=[lambda batch: seen.append(len(batch.rows))]),
    )
    network(LATENT, SIGMA)
    assert seen == [2]


def test_hooks_after_the_network_may_edit_results_before_they_are_mixed() -> None:
    def flatten(output: NetworkOutput) -> None:
        output.result[:2] = 1.0
        output.result[2:] = 0.0

    network = guided(hooks=Hooks(after_network=[flatten]))
    assert torch.equal(network(LATENT, SIGMA), torch.full_like(LATENT, 7.0))


def test_hooks_after_guidance_run_in_order_and_their_result_counts() -> None:
    hooks = Hooks(after_guidance=[lambda result, _: result + 1.0, lambda result, _: result * 2.0])
    changed = guided(hooks=hooks)(LATENT, SIGMA)
    torch.testing.assert_close(changed, (guided()(LATENT, SIGMA) + 1.0) * 2.0)


def test_a_hook_may_exchange_network_and_prompts_in_mid_run() -> None:
    refiner = ToyNetwork()

    def switch(network: GuidedNetwork, level: Tensor) -> None:
        if network.evaluation == 1:
            network.network = refiner
            network.cond = prompts(5.0, 6.0)

    network = guided(hooks=Hooks(before_evaluation=[switch]))
    network(LATENT, SIGMA)
    assert refiner.calls == []
    result = network(LATENT, SIGMA)
    torch.testing.assert_close(result, expected((5.0, 6.0), (0.25, 0.5), 7.0))
    assert len(refiner.calls) == 1


def test_the_formula_can_be_replaced() -> None:
    def halves(result: Tensor, rows: tuple[Row, ...], scale: float) -> Tensor:
        return result[:2] * scale

    network = guided(guidance=Guidance(cfg_scale=2.0, combine=halves))
    torch.testing.assert_close(network(LATENT, SIGMA), expected((1.0, 2.0), (0.0, 0.0), 1.0) * 2.0)


def test_the_noise_of_the_negative_prompt_alone_can_be_had_for_cfgpp() -> None:
    network = guided(cfg_factor=0.5)
    torch.testing.assert_close(network(LATENT, SIGMA), expected((1.0, 2.0), (0.25, 0.5), 3.5))
    torch.testing.assert_close(network.uncond_noise, expected((0.25, 0.5), (0.0, 0.0), 1.0))


def test_prompt_and_negative_can_be_previewed_apart() -> None:
    cond = Conditioning(((prompt(1.0), prompt(3.0)), (prompt(2.0),)))
    network = guided(cond=cond)
    level = torch.tensor(400.0)
    network(LATENT, level)
    prediction = network.preconditioning.prediction
    for shown, means in ((network.denoised_cond(), (1.0, 2.0)), (network.denoised_uncond(), (0.25, 0.5))):
        noise = expected(means, (0.0, 0.0), 1.0)
        torch.testing.assert_close(shown, prediction.denoised_from_noise(LATENT, noise, level.expand(2)))


def test_half_precision_answers_become_float32() -> None:
    class Half(ToyNetwork):
        def forward(self, *arguments: Any, **residuals: Any) -> Tensor:
            return super().forward(*arguments, **residuals).half()

    assert guided(network=Half())(LATENT, SIGMA).dtype == torch.float32
