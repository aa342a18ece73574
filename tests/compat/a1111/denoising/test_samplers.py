"""Samplers of A1111's shape: its lists, those that extensions bring, and functions of k-diffusion's shape."""

import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.compat.a1111.denoising.runs import SEEDS, attached, finish, pictures, processing, toy_denoising
from tests.diffusion import k_diffusion_oracle
from webui.core.errors import InvalidRequest
from webui.core.sampling import SAMPLERS, find_sampler, find_schedule
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction
from webui.diffusion.schedules import ScheduleOptions, build_sigmas

sampling = k_diffusion_oracle.load("sampling")


def own_euler(
    model: Any, x: Tensor, sigmas: Tensor, extra_args: Any = None, callback: Any = None, disable: Any = None
) -> Tensor:
    """Euler's method as an extension may write it."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * x.new_ones([len(x)]), **(extra_args or {}))
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
    return x


def added(modules: Any, function: Any, name: str = "Mine", **options: Any) -> Any:
    """An extension's sampler, in the lists."""
    kdiffusion = modules.sd_samplers_kdiffusion
    data = modules.sd_samplers_common.SamplerData(
        name, lambda model: kdiffusion.KDiffusionSampler(function, model), ["k_mine"], options
    )
    modules.sd_samplers.all_samplers.append(data)
    modules.sd_samplers.all_samplers_map[name] = data
    return data


def test_the_lists_have_every_sampler_with_what_a1111_says_of_it(modules: Any) -> None:
    named = modules.sd_samplers.all_samplers_map
    assert set(named) == {info.label for info in SAMPLERS}
    assert named["DPM++ SDE"].options == {"scheduler": "karras", "second_order": True, "brownian_noise": True}
    assert named["DPM++ SDE"].total_steps(10) == 20
    assert "k_euler_a" in named["Euler a"].aliases
    assert modules.sd_samplers.find_sampler_config("DPM++ 2M Karras").name == "DPM++ 2M"
    assert modules.sd_samplers.find_sampler_config("none such") is None
    assert modules.sd_samplers.samplers_map["k_euler"] == "Euler"
    assert modules.sd_samplers.visible_sampler_names() == list(named)


def test_a_function_that_an_extension_brings_samples_with_steps_and_callbacks(modules: Any) -> None:
    added(modules, own_euler)
    assert find_sampler("k_mine").label == "Mine"
    expected = list(toy_denoising("Euler").run())
    denoising = toy_denoising("Mine")
    attached(denoising)
    seen: list[int] = []
    modules.script_callbacks.on_cfg_denoiser(lambda params: seen.append(params.denoiser.step))
    steps = list(denoising.run())
    assert seen == [0, 1, 2, 3]
    assert [step.index for step in steps] == [step.index for step in expected]
    for step, own in zip(steps, expected, strict=True):
        assert torch.equal(step.latent, own.latent)
        assert torch.equal(step.denoised, own.denoised)


def test_a_function_may_tell_of_its_steps_with_less(modules: Any) -> None:
    def short(*given: Any, callback: Any = None, **named: Any) -> Tensor:
        return own_euler(
            *given, callback=lambda d: callback({"i": d["i"], "denoised": d["denoised"]}), **named
        )

    def takes_sigmas(model: Any, x: Tensor, sigmas: Tensor, **named: Any) -> Tensor:
        return short(model, x, sigmas, **named)

    added(modules, takes_sigmas)
    denoising = toy_denoising("Mine")
    attached(denoising)
    assert torch.equal(finish(denoising), finish(toy_denoising("Euler")))


@pytest.mark.parametrize("draws", ["k_diffusion", "torch"])
def test_noise_that_a_function_draws_itself_follows_the_seeds(modules: Any, draws: str) -> None:
    theirs: Any = sampling
    drawn: list[Tensor] = []

    def noisy(model: Any, x: Tensor, sigmas: Tensor, extra_args: Any = None, **_: Any) -> Tensor:
        for i in range(len(sigmas) - 1):
            noise = (theirs.torch if draws == "k_diffusion" else torch).randn_like(x)
            drawn.append(noise)
            x = model(x, sigmas[i] * x.new_ones([len(x)]), **(extra_args or {})) + noise * sigmas[i + 1]
        return x

    added(modules, noisy, "Noisy")
    results: list[Tensor] = []
    for _ in range(2):
        denoising = toy_denoising("Noisy")
        attached(denoising)
        results.append(finish(denoising))
        torch.randn(3)
    assert torch.equal(*results)
    if draws == "k_diffusion":
        own = ImageNoise((4, 8, 8), SEEDS, NoiseOptions(source="CPU"), "cpu")
        own.draw()
        assert torch.equal(drawn[0], own.draw())
    assert theirs.torch is torch


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("sample_dpmpp_2m", "DPM++ 2M"),
        ("sample_heun", "Heun"),
        ("sample_euler_ancestral", "Euler a"),
        ("sample_dpmpp_2s_ancestral", "DPM++ 2S a"),
    ],
)
def test_functions_of_k_diffusion_itself_give_our_bits(modules: Any, name: str, label: str) -> None:
    info = find_sampler(label)
    added(modules, getattr(sampling, name), "Theirs", second_order=info.is_second_order, scheduler="karras")
    expected = finish(toy_denoising(label, schedule="Karras"))
    denoising = toy_denoising("Theirs", schedule="Karras")
    attached(denoising)
    assert torch.equal(finish(denoising), expected)


def test_our_functions_may_be_called_as_those_of_k_diffusion(modules: Any) -> None:
    native = modules.sd_samplers_kdiffusion.KDiffusionSampler("sample_heun", None).func
    sigmas = build_sigmas("Karras", 6, Prediction.make("eps").levels, ScheduleOptions())
    start = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * sigmas[0]

    def model(x: Tensor, sigma: Tensor, factor: float) -> Tensor:
        return torch.tanh(x) * factor / (1 + sigma[:, None, None, None])

    told: list[list[int]] = [[], []]
    results = [
        function(
            model,
            start,
            sigmas,
            extra_args={"factor": 0.5},
            callback=lambda d, own=own: own.append(d["i"]),
            disable=True,
        )
        for function, own in zip((native, sampling.sample_heun), told, strict=True)
    ]
    assert torch.equal(*results)
    assert told[0] == told[1]


def test_what_a_function_raises_ends_the_run_and_a_closed_run_ends_the_function(modules: Any) -> None:
    def fails(
        model: Any,
        x: Tensor,
        sigmas: Tensor,
        extra_args: Any = None,
        callback: Any = None,
        disable: Any = None,
    ) -> Tensor:
        raise ZeroDivisionError("on purpose")

    added(modules, fails, "Fails")
    denoising = toy_denoising("Fails")
    attached(denoising)
    with pytest.raises(ZeroDivisionError):
        finish(denoising)
    added(modules, own_euler, "Ends")
    before = threading.active_count()
    denoising = toy_denoising("Ends")
    attached(denoising)
    running = denoising.run()
    next(running)
    running.close()
    assert threading.active_count() == before
    assert len(denoising.network.calls) == 2


def test_a_sampler_that_lives_for_one_run_wraps_the_denoiser_of_another(modules: Any) -> None:
    class Doubled(modules.sd_samplers_kdiffusion.CFGDenoiserKDiffusion):
        def __init__(self, sampler: Any, factor: float) -> None:
            super().__init__(sampler)
            self.factor = factor

        def combine_denoised(self, x_out: Tensor, conds_list: Any, uncond: Any, cond_scale: float) -> Tensor:
            return super().combine_denoised(x_out, conds_list, uncond, cond_scale * self.factor)

    inner = modules.sd_samplers.all_samplers_map["Heun"]

    def construct(model: Any) -> Any:
        sampler = inner.constructor(model)
        sampler.model_wrap_cfg = Doubled(sampler, 0.5)
        return sampler

    data = modules.sd_samplers_common.SamplerData("Heun_once", construct, inner.aliases, inner.options)
    modules.sd_samplers.all_samplers_map["Heun_once"] = data
    p = processing(sampler_name="Heun_once")
    denoising = toy_denoising("Heun")
    attached(denoising, p)
    half = toy_denoising("Heun")
    half.guidance = type(half.guidance)(cfg_scale=2.5)
    assert torch.equal(finish(denoising), finish(half))
    del modules.sd_samplers.all_samplers_map["Heun_once"]
    with pytest.raises(InvalidRequest):
        find_sampler("Heun_once")


def test_a_replaced_create_sampler_is_asked_and_one_that_fails_is_passed_over(modules: Any) -> None:
    own = modules.sd_samplers.create_sampler
    made: list[str] = []

    def create(name: str, model: Any) -> Any:
        made.append(name)
        sampler = own(name, model)
        sampler.model_wrap_cfg.combine_denoised = lambda x_out, *_: x_out[:2]
        return sampler

    modules.sd_samplers.create_sampler = create
    denoising = toy_denoising()
    attached(denoising)
    prompts_alone = toy_denoising()
    prompts_alone.guidance = type(prompts_alone.guidance)(cfg_scale=1.0)
    torch.testing.assert_close(finish(denoising), finish(prompts_alone))
    assert made == ["Euler"]

    def fails(name: str, model: Any) -> Any:
        raise ZeroDivisionError

    modules.sd_samplers.create_sampler = fails
    denoising = toy_denoising()
    attached(denoising)
    assert torch.equal(finish(denoising), finish(toy_denoising()))


def test_a_pictures_sampler_may_be_an_extensions(modules: Any, context: Any) -> None:
    added(modules, own_euler)
    own, _ = pictures(context, sampler="Mine")
    expected, _ = pictures(context, sampler="Euler")
    assert torch.equal(own, expected)


def test_schedules_that_extensions_add_are_offered_and_ours_can_be_called(modules: Any) -> None:
    schedulers = modules.sd_schedulers

    def falling(n: int, sigma_min: float, sigma_max: float, inner_model: Any, device: Any) -> Tensor:
        assert len(inner_model.sigmas) == 1000
        return torch.cat([torch.linspace(sigma_max, sigma_min, n), torch.zeros(1)])

    schedulers.schedulers.append(schedulers.Scheduler("falling", "Falling", falling, need_inner_model=True))
    from webui.compat.a1111.denoising.offers import sync_lists

    sync_lists()
    assert find_schedule("falling").label == "Falling"
    levels = Prediction.make("eps").levels
    sigmas = build_sigmas("Falling", 3, levels, ScheduleOptions())
    torch.testing.assert_close(
        sigmas, torch.tensor([*torch.linspace(levels.sigma_max, levels.sigma_min, 3), 0.0])
    )
    karras = schedulers.schedulers_map["karras"]
    expected = sampling.get_sigmas_karras(5, 0.1, 10.0, rho=7.0)
    torch.testing.assert_close(
        karras.function(n=5, sigma_min=0.1, sigma_max=10.0, rho=7.0, device="cpu"), expected
    )


def test_noise_drawn_without_a_seed_follows_that_of_the_pictures(modules: Any) -> None:
    drawn: list[Tensor] = []
    for _ in range(2):
        attached(toy_denoising())
        drawn.append(modules.rng.randn_like(torch.zeros(2, 3)))
    assert torch.equal(*drawn)
    assert not torch.equal(drawn[0], modules.rng.randn_like(torch.zeros(2, 3)))


def test_noise_of_pictures_is_ours(modules: Any) -> None:
    from webui.diffusion.noise import ImageNoise, NoiseOptions

    source = modules.rng.source()
    options = NoiseOptions(source, (9, 9), 0.3)
    ours = ImageNoise((4, 8, 8), (5, 6), options, "cpu")
    theirs = modules.rng.ImageRNG((4, 8, 8), [5, 6], subseeds=[9, 9], subseed_strength=0.3)
    for _ in range(2):
        assert torch.equal(theirs.next(), ours.draw())
    plain = modules.rng.ImageRNG((4, 8, 8), [5])
    assert torch.equal(plain.first()[0], modules.rng.randn_local(5, (4, 8, 8)))
