import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.diffusion.toy import ToyNetwork, prompts
from tests.golden_cases import GOLDENS
from webui.core.sampling import SAMPLERS
from webui.diffusion.denoising import Denoising, InitImage, RunOptions, img2img_steps
from webui.diffusion.guidance import Guidance, GuidedNetwork
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction

SHAPE = (4, 6, 5)
LABELS = [info.label for info in SAMPLERS]
PREDICTION = Prediction.make("eps")


@dataclass
class Doubling:
    """Doubles the network's weight while attached."""

    log: list[str] = field(default_factory=list)

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        weight = network.get_parameter("weight")
        kept = weight.detach().clone()
        self.log.append("attached")
        try:
            weight.data.mul_(2)
            yield
        finally:
            weight.data.copy_(kept)
            self.log.append("detached")


def denoising(seeds: tuple[int, ...] = (1, 2), **changes: Any) -> Denoising:
    """A batch for the toy network, Euler, 8 steps."""
    fields: dict[str, Any] = {
        "network": ToyNetwork(),
        "prediction": PREDICTION,
        "cond": prompts(*[0.1] * len(seeds)),
        "uncond": prompts(*[0.05] * len(seeds)),
        "noise": ImageNoise(SHAPE, seeds, NoiseOptions(), "cpu"),
        "steps": 8,
    }
    return Denoising(**(fields | changes))


def result(run: Denoising) -> Tensor:
    """The last latent."""
    return list(run.run())[-1].latent


@pytest.mark.parametrize("label", LABELS)
def test_every_sampler_runs_from_noise_and_gives_each_picture_the_same_as_alone(label: str) -> None:
    together = result(denoising((1, 2), sampler=label))
    assert together.isfinite().all()
    alone = result(denoising((2,), sampler=label))
    # The error that DPM adaptive steers by is that of the whole batch.
    if label != "DPM adaptive":
        torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_every_sampler_runs_from_an_image(label: str, strength: float) -> None:
    init = InitImage(torch.full((2, *SHAPE), 0.3), strength)
    steps = list(denoising(sampler=label, init=init).run())
    assert steps
    assert steps[-1].latent.isfinite().all()


@pytest.mark.parametrize("label", LABELS)
def test_every_sampler_takes_a_single_step(label: str) -> None:
    steps = list(denoising(sampler=label, steps=1).run())
    assert len(steps) >= 1
    assert steps[-1].latent.isfinite().all()


def test_the_steps_of_img2img_are_those_of_the_golden() -> None:
    for case in json.loads((GOLDENS / "sigmas.json").read_text("utf-8"))["img2img_steps"]:
        found = img2img_steps(
            case["steps"],
            case["denoise"],
            fix_steps=case.get("fix_steps", False),
            second_pass_steps=case.get("hr_second_pass_steps"),
        )
        assert (found.total, found.t_enc) == (case["total"], case["t_enc"]), case


def test_the_noise_is_scaled_to_the_first_sigma() -> None:
    seen: list[Tensor] = []

    def look(network: GuidedNetwork, level: Tensor) -> None:
        seen.append(level)

    run = denoising(before_evaluation=[look], before_guidance=[lambda batch: seen.append(batch.latent)])
    next(run.run())
    noise = ImageNoise(SHAPE, (1, 2), NoiseOptions(), "cpu").draw()
    assert seen[0].item() == pytest.approx(14.6146, rel=1e-5)
    torch.testing.assert_close(seen[1][:2], noise * seen[0])


def test_the_sgm_multiplier_scales_it_a_little_more() -> None:
    seen: list[Tensor] = []
    options = RunOptions(sgm_noise_multiplier=True)
    next(denoising(options=options, before_guidance=[lambda batch: seen.append(batch.latent)]).run())
    noise = ImageNoise(SHAPE, (1, 2), NoiseOptions(), "cpu").draw()
    torch.testing.assert_close(seen[0][:2], noise * (1 + PREDICTION.levels.sigma_max**2) ** 0.5)


def test_timestep_samplers_take_the_noise_as_it_is() -> None:
    seen: list[Tensor] = []
    next(denoising(sampler="DDIM", before_guidance=[lambda batch: seen.append(batch.latent)]).run())
    assert torch.equal(seen[0][:2], ImageNoise(SHAPE, (1, 2), NoiseOptions(), "cpu").draw())


@pytest.mark.parametrize("label", ["Euler", "DDIM"])
def test_from_an_image_only_the_last_part_of_the_schedule_is_run(label: str) -> None:
    levels: list[float] = []
    init = InitImage(torch.zeros(2, *SHAPE), 0.5, extra_noise=0.1)
    run = denoising(
        sampler=label, init=init, before_evaluation=[lambda network, level: levels.append(float(level))]
    )
    steps = list(run.run())
    expected = {"Euler": PREDICTION.levels.uniform(8)[3:-1].tolist(), "DDIM": [376.0, 251.0, 126.0]}
    assert levels == expected[label]
    assert len(steps) == len(levels)
    assert run.total_steps == 5


def test_extra_noise_is_the_first_noise_once_more() -> None:
    latents: list[Tensor] = []
    for extra in (0.0, 0.25):
        init = InitImage(torch.zeros(2, *SHAPE), 0.5, extra_noise=extra)
        next(denoising(init=init, before_guidance=[lambda batch: latents.append(batch.latent)]).run())
    noise = ImageNoise(SHAPE, (1, 2), NoiseOptions(), "cpu").draw()
    torch.testing.assert_close((latents[1] - latents[0])[:2], noise * 0.25)


def test_a_noise_of_ones_own_can_start_the_images() -> None:
    ones = torch.ones(2, *SHAPE)
    latents: list[Tensor] = []
    next(
        denoising(
            first_noise=ones, sampler="DDIM", before_guidance=[lambda b: latents.append(b.latent)]
        ).run()
    )
    assert torch.equal(latents[0][:2], ones)


def test_sigmas_of_ones_own_replace_the_schedule() -> None:
    levels: list[float] = []
    sigmas = torch.tensor([4.0, 2.0, 1.0, 0.0])
    run = denoising(sigmas=sigmas, before_evaluation=[lambda network, level: levels.append(float(level))])
    list(run.run())
    assert levels == [4.0, 2.0, 1.0]


@pytest.mark.parametrize(("label", "calls"), [("Euler", 8), ("Heun", 16), ("DPM++ SDE", 16), ("DDIM", 8)])
def test_second_order_samplers_count_two_evaluations_a_step(label: str, calls: int) -> None:
    run = denoising(sampler=label)
    list(run.run())
    assert run.guided is not None
    assert run.guided.total_evaluations == calls


def test_closing_the_run_detaches_every_adapter() -> None:
    network, adapter = ToyNetwork(), Doubling()
    with closing(denoising(network=network, adapters=[adapter]).run()) as steps:
        next(steps)
        assert network.weight.item() == 2.0
        assert adapter.log == ["attached"]
    assert network.weight.item() == 1.0
    assert adapter.log == ["attached", "detached"]


def test_a_hook_that_raises_detaches_every_adapter_too() -> None:
    network = ToyNetwork()

    def fail(result: Tensor, guided: GuidedNetwork) -> Tensor:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        list(denoising(network=network, adapters=[Doubling()], after_guidance=[fail]).run())
    assert network.weight.item() == 1.0


def test_a_run_does_not_leave_gradients_off_between_its_steps() -> None:
    steps = denoising().run()
    step = next(steps)
    assert torch.is_grad_enabled()
    assert not step.latent.requires_grad
    steps.close()


def test_hooks_know_the_step_that_was_completed_last() -> None:
    seen: list[tuple[int, int]] = []
    run = denoising(
        sampler="Heun",
        steps=3,
        before_guidance=[lambda batch: seen.append((batch.evaluation, batch.sampling_step))],
    )
    list(run.run())
    assert seen == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1)]


def test_effects_of_guidance_are_told_after_the_run() -> None:
    run = denoising(guidance=Guidance(s_min_uncond=3.0))
    assert run.effects == set()
    list(run.run())
    assert run.effects == {"NGMS"}


@pytest.mark.parametrize(("label", "is_kept"), [("Euler", True), ("DDIM", False)])
def test_a_mask_keeps_the_picture_in_denoised_latents_but_not_in_noise(label: str, is_kept: bool) -> None:
    keep = torch.zeros(1, 1, *SHAPE[1:])
    keep[..., 0] = 1.0
    init = torch.full((2, *SHAPE), 0.3)
    run = denoising(sampler=label, init=InitImage(init, 0.75), mask=LatentMask(init, keep))
    step = list(run.run())[-1]
    assert bool((step.denoised[..., 0] - 0.3).abs().max() < 1e-5) == is_kept


def test_brownian_paths_span_the_whole_schedule_also_from_an_image() -> None:
    init = InitImage(torch.zeros(2, *SHAPE), 0.5)
    first, again = (result(denoising(sampler="DPM++ SDE", init=init)) for _ in range(2))
    assert torch.equal(first, again)


def test_without_batch_determinism_a_picture_depends_on_its_batch() -> None:
    options = RunOptions(no_batch_determinism=True)
    together = result(denoising((1, 2), sampler="DPM++ SDE", options=options))
    alone = result(denoising((2,), sampler="DPM++ SDE", options=options))
    assert (together[1:] - alone).abs().max() > 0.01


def test_discarding_changes_the_sigmas_of_any_sampler() -> None:
    options = RunOptions(always_discard_next_to_last_sigma=True)
    assert not torch.equal(result(denoising()), result(denoising(options=options)))
