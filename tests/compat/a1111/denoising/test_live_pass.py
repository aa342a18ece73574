"""Callbacks and overrides of A1111's denoiser in runs of every family of samplers."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.compat.a1111.denoising.runs import (
    attached,
    composed,
    finish,
    pictures,
    processing,
    scheduled,
    toy_denoising,
)
from tests.diffusion.toy import prompts
from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiser
from webui.diffusion.conditioning import Conditioning
from webui.diffusion.guidance import Guidance
from webui.diffusion.samplers import SAMPLERS

SECOND_ORDER = sorted(label for label, each in SAMPLERS.items() if each.info.is_second_order)


@pytest.mark.parametrize("label", sorted(SAMPLERS))
def test_taking_part_changes_no_bit_and_counts_as_a1111_does(modules: Any, label: str) -> None:
    expected = finish(toy_denoising(label))
    denoising = toy_denoising(label)
    attached(denoising)
    seen: list[tuple[Any, ...]] = []
    modules.script_callbacks.on_cfg_denoiser(
        lambda params: seen.append(
            (params.denoiser.step, params.denoiser.steps, params.denoiser.total_steps, tuple(params.x.shape))
        )
    )
    modules.script_callbacks.on_cfg_denoised(lambda params: None)
    modules.script_callbacks.on_cfg_after_cfg(lambda params: None)
    assert torch.equal(finish(denoising), expected)
    total = 8 if label in SECOND_ORDER else 4
    assert seen == [(index, 4, total, (4, 4, 8, 8)) for index in range(len(seen))]
    assert len(seen) == len(denoising.network.calls)


@pytest.mark.parametrize("label", ["Euler", "Heun", "DDIM"])
def test_a_combination_equal_to_the_formula_gives_the_same_bits(modules: Any, label: str) -> None:
    def combine(x_out: Tensor, conds_list: Any, uncond: Any, cond_scale: float) -> Tensor:
        negatives = x_out[-uncond.shape[0] :]
        mixed = negatives.clone()
        for image, parts in enumerate(conds_list):
            for index, weight in parts:
                mixed[image] += (x_out[index] - negatives[image]) * (weight * cond_scale)
        return mixed

    expected = finish(toy_denoising(label, cond=composed()))
    denoising = toy_denoising(label, cond=composed())
    sampler = attached(denoising)
    sampler.model_wrap_cfg.combine_denoised = combine
    assert torch.equal(finish(denoising), expected)


def test_a_combination_is_asked_on_the_instance_and_in_a_class_and_may_call_its_base(modules: Any) -> None:
    plain = finish(toy_denoising())

    class Half(modules.sd_samplers_kdiffusion.CFGDenoiserKDiffusion):
        def combine_denoised(self, x_out: Tensor, conds_list: Any, uncond: Any, cond_scale: float) -> Tensor:
            assert conds_list == [[(0, 1.0)], [(1, 1.0)]]
            return super().combine_denoised(x_out, conds_list, uncond, cond_scale / 2)

    denoising = toy_denoising()
    sampler = attached(denoising)
    sampler.model_wrap_cfg = Half(sampler)
    half = finish(denoising)
    assert torch.equal(half, finish(toy_denoising(guidance=Guidance(cfg_scale=2.5))))
    assert not torch.equal(half, plain)


def test_a_combination_that_fails_is_noted_and_the_formula_stands_in(modules: Any, host: Any) -> None:
    record = host.health.add("here", __import__("pathlib").Path(__file__).parent)
    denoising = toy_denoising()

    def combine(*given: Any) -> Tensor:
        raise ZeroDivisionError("on purpose")

    attached(denoising).model_wrap_cfg.combine_denoised = combine
    assert torch.equal(finish(denoising), finish(toy_denoising()))
    assert "on purpose" in record.failures[0].error


def test_tensors_that_a_callback_replaces_are_read_again(modules: Any) -> None:
    def replace_all(params: Any) -> None:
        params.x = params.x * 0.5
        params.sigma = params.sigma * 0.9
        params.text_cond = params.text_cond + 0.1
        params.text_uncond = params.text_uncond - 0.1

    def write_into(params: Any) -> None:
        params.x *= 0.5
        params.sigma *= 0.9
        params.text_cond += 0.1
        params.text_uncond -= 0.1

    results: list[Tensor] = []
    for callback in (replace_all, write_into):
        modules.script_callbacks.clear_callbacks()
        modules.script_callbacks.on_cfg_denoiser(callback)
        denoising = toy_denoising()
        attached(denoising)
        results.append(finish(denoising))
    assert torch.equal(*results)
    # The same done by the program's own moment.
    own = toy_denoising()

    def change(batch: Any) -> None:
        batch.latent, batch.level = batch.latent * 0.5, batch.level * 0.9
        batch.cond = replace(batch.cond, crossattn=batch.cond.crossattn + 0.1)
        batch.uncond = replace(batch.uncond, crossattn=batch.uncond.crossattn - 0.1)

    own.before_guidance.append(change)
    assert torch.equal(results[0], finish(own))


def test_rows_stand_in_a1111s_order(modules: Any) -> None:
    denoising = toy_denoising(cond=composed(), steps=1)
    attached(denoising)
    seen: list[Any] = []
    modules.script_callbacks.on_cfg_denoiser(lambda params: seen.append((params.x, params.text_cond)))
    finish(denoising)
    latent, text = seen[0]
    assert text[:, 0, 0].tolist() == pytest.approx([0.2, 0.5, 0.3])
    assert torch.equal(latent[0], latent[1])
    assert torch.equal(latent[0], latent[3])
    assert torch.equal(latent[2], latent[4])


def test_results_may_be_written_before_and_replaced_after_guidance(modules: Any) -> None:
    def halve(params: Any) -> None:
        params.x *= 0.5

    def double(params: Any) -> None:
        params.x = params.x * 2

    denoising = toy_denoising(guidance=Guidance(cfg_scale=1.0))
    attached(denoising)
    modules.script_callbacks.on_cfg_denoised(halve)
    modules.script_callbacks.on_cfg_after_cfg(double)
    torch.testing.assert_close(finish(denoising), finish(toy_denoising(guidance=Guidance(cfg_scale=1.0))))


def test_with_no_negative_prompt_callbacks_see_the_whole_batch_all_the_same(modules: Any) -> None:
    guidance = Guidance(cfg_scale=5.0, skip_early_cond=0.5)
    expected = finish(toy_denoising(guidance=guidance))
    denoising = toy_denoising(guidance=guidance)
    attached(denoising)
    counts: list[tuple[int, int]] = []
    modules.script_callbacks.on_cfg_denoiser(
        lambda params: counts.append((len(params.x), len(params.text_uncond)))
    )
    modules.script_callbacks.on_cfg_denoised(lambda params: counts.append((len(params.x), 2)))
    assert torch.equal(finish(denoising), expected)
    assert set(counts) == {(4, 2)}


@pytest.mark.parametrize(("label", "steps"), [("Euler", [0, 0, 1, 2]), ("Heun", [0, 0, 0, 1, 1, 2, 2])])
def test_the_state_tells_the_step_as_the_samplers_callback_set_it(
    modules: Any, label: str, steps: list[int]
) -> None:
    denoising = toy_denoising(label)
    attached(denoising)
    seen: list[tuple[int, int]] = []
    modules.script_callbacks.on_cfg_denoiser(
        lambda params: seen.append((params.sampling_step, params.total_sampling_steps))
    )
    finish(denoising)
    assert seen == [(step, 4) for step in steps]


def test_the_prompts_of_a_second_order_sampler_change_by_evaluations(modules: Any) -> None:
    cond = Conditioning(((scheduled(0.1, 0.3, 0.5),),) * 2)
    denoising = toy_denoising("Heun", cond=cond)
    attached(denoising)
    seen: list[float] = []
    modules.script_callbacks.on_cfg_denoiser(lambda params: seen.append(float(params.text_cond[0, 0, 0])))
    finish(denoising)
    assert seen == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.5, 0.5, 0.1])


def test_a_callback_of_the_sampler_may_be_replaced_on_its_class(modules: Any) -> None:
    sampler_class = modules.sd_samplers_kdiffusion.KDiffusionSampler
    own = sampler_class.callback_state
    told: list[dict[str, Any]] = []

    def callback_state(self: Any, d: dict[str, Any]) -> Any:
        told.append(d)
        d["x"] *= 0.5
        return own(self, d)

    sampler_class.callback_state = callback_state
    denoising, plain = toy_denoising(), toy_denoising()
    attached(denoising)
    plain.during_step.append(lambda moment: moment.latent.mul_(0.5))
    assert torch.equal(finish(denoising), finish(plain))
    assert [each["i"] for each in told] == [0, 1, 2, 3]
    assert {"x", "i", "sigma", "sigma_hat", "denoised"} <= set(told[0])


@pytest.mark.parametrize("label", ["Euler", "Heun", "DDIM", "DDIM CFG++", "LCM"])
def test_a_replaced_forward_may_call_the_network_by_rows(modules: Any, label: str) -> None:
    def forward(
        self: Any,
        x: Tensor,
        sigma: Tensor,
        uncond: Any,
        cond: Any,
        cond_scale: float,
        s_min_uncond: float,
        image_cond: Any,
    ) -> Tensor:
        parser = modules.prompt_parser
        places, text = parser.reconstruct_multicond_batch(cond, self.step)
        negative = parser.reconstruct_cond_batch(uncond, self.step)
        whole = modules.sd_samplers_cfg_denoiser.catenate_conds([text, negative])
        x_in = torch.cat([x[i : i + 1] for i, parts in enumerate(places) for _ in parts] + [x])
        sigma_in = torch.cat([sigma[i : i + 1] for i, parts in enumerate(places) for _ in parts] + [sigma])
        x_out = self.inner_model(x_in, sigma_in, cond={"c_crossattn": [whole], "c_concat": [image_cond]})
        self.last_noise_uncond = x_out[-len(x) :].clone()
        self.step += 1
        return self.combine_denoised(x_out, places, negative, cond_scale * self.cond_scale_miltiplier)

    expected = finish(toy_denoising(label, cond=composed()))
    kept = CFGDenoiser.forward
    CFGDenoiser.forward = forward
    try:
        denoising = toy_denoising(label, cond=composed())
        attached(denoising)
        assert torch.equal(finish(denoising), expected)
    finally:
        CFGDenoiser.forward = kept


def test_a_scale_that_only_counts_as_a_number_is_asked_each_time(modules: Any) -> None:
    class Falling(float):
        """As the CFG schedule extensions put into `p`."""

        asked = 0

        def __mul__(self, other: Any) -> Any:
            type(self).asked += 1
            return 5.0 * other

        __rmul__ = __mul__

    p = processing(cfg_scale=Falling(5.0))
    denoising = toy_denoising()
    attached(denoising, p)
    assert torch.equal(finish(denoising), finish(toy_denoising()))
    assert Falling.asked == 4


def test_prompts_put_into_the_samplers_arguments_are_used(modules: Any) -> None:
    from webui.compat.a1111.denoising.conds import to_multicond

    denoising = toy_denoising()
    sampler = attached(denoising)

    def change(params: Any) -> None:
        sampler.sampler_extra_args["cond"] = to_multicond(prompts(0.8, 0.9))

    modules.script_callbacks.on_cfg_denoiser(change)
    finish(denoising)
    first, *later = [call.crossattn[:2, 0, 0].tolist() for call in denoising.network.calls]
    assert first == pytest.approx([0.2, 0.4])
    assert later[-1] == pytest.approx([0.8, 0.9])


def test_a_replaced_function_of_prompts_acts_while_sampling(modules: Any) -> None:
    own = modules.prompt_parser.reconstruct_multicond_batch

    def read(c: Any, current_step: int) -> Any:
        places, text = own(c, current_step)
        return places, text + current_step

    modules.prompt_parser.reconstruct_multicond_batch = read
    denoising = toy_denoising()
    attached(denoising)
    finish(denoising)
    found = [float(call.crossattn[0, 0, 0]) for call in denoising.network.calls]
    assert found == pytest.approx([0.2, 1.2, 2.2, 3.2])


def test_interruption_from_a_callback_of_the_sampler_keeps_what_was_denoised(modules: Any) -> None:
    denoising = toy_denoising()
    sampler = attached(denoising)
    sampler.stop_at = 1
    steps = list(denoising.run())
    assert len(denoising.network.calls) == 3
    assert torch.equal(steps[-1].latent, sampler.last_latent)


@pytest.mark.parametrize(("model", "sampler"), [("tiny-sd15", "DPM++ 2M"), ("tiny-sdxl", "Heun")])
def test_a_picture_with_the_host_has_the_bits_of_one_without(
    modules: Any,
    context: Any,
    model: str,
    sampler: str,
) -> None:
    from tests.extensions.running import run
    from tests.pipelines.runs import request_of

    fields = {
        "model": model,
        "sampler": sampler,
        "prompt": "a [cat:dog:0.5] AND a tree",
        "negative_prompt": "blue",
    }
    expected, _ = run(context, request_of(**fields))
    kinds: list[Any] = []
    modules.script_callbacks.on_cfg_denoiser(lambda params: kinds.append(params.text_cond))
    latent, _ = pictures(context, **fields)
    assert torch.equal(latent, expected)
    assert kinds
    is_sdxl = model == "tiny-sdxl"
    assert isinstance(kinds[0], dict) == is_sdxl
    assert kinds[0].shape[0] == 2
    assert not is_sdxl or set(kinds[0]) == {"crossattn", "vector"}
