"""Sampling with A1111's processing object: samplers of scripts, axes, and a `p.sample` of their own."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from extensions.scripts import plugin as scripts_plugin
from tests.compat.a1111.denoising.test_samplers import own_euler
from tests.compat.a1111.running.conftest import World, models, world  # noqa: F401 - fixtures
from tests.pipelines.runs import pictures, request_of
from webui.compat.a1111.hooks import denoising as hooks
from webui.diffusion.prediction import Prediction
from webui.pipelines.generate.generate import generate


@pytest.fixture
def sampling(world: World) -> World:  # noqa: F811 - a fixture
    """The world with the hooks of sampling and the X/Y/Z plot."""
    plugins = world.context.plugins
    plugins.register(hooks, "a1111 denoising")
    plugins.register(scripts_plugin, "scripts")
    for script in scripts_plugin.register_scripts():
        plugins.scripts[script.title.lower()] = script
        plugins.parts[script.part.key] = script.part
    return world


LEVELS = Prediction.make("eps").levels


def always_on(world: World, **moments: Any) -> Any:  # noqa: F811
    """A script of every run, with some moments."""
    scripts = world.module("scripts")
    members = {"title": lambda self: "mine", "show": lambda self, is_img2img: scripts.AlwaysVisible}
    return world.add(type("Mine", (scripts.Script,), members | moments)())


def same(left: Any, right: Any) -> bool:
    return [each.image.tobytes() for each in left] == [each.image.tobytes() for each in right]


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M", "Heun", "DDIM"])
def test_a_script_may_choose_a_sampler_made_for_this_batch(sampling: World, sampler: str) -> None:
    seen: list[Any] = []

    def process_batch(self: Any, p: Any, **named: Any) -> None:
        samplers = sampling.module("sd_samplers")
        base = samplers.all_samplers_map[p.sampler_name]

        class Own(type(base.constructor(None).model_wrap_cfg)):
            def combine_denoised(
                self, x_out: Tensor, conds_list: Any, uncond: Any, cond_scale: float
            ) -> Tensor:
                seen.append((self.step, self.total_steps, self.p is p))
                return super().combine_denoised(x_out, conds_list, uncond, 1.5)

        def construct(model: Any) -> Any:
            made = base.constructor(model)
            made.model_wrap_cfg = Own(made)
            return made

        data = type(base)("own_1", construct, base.aliases, base.options)
        samplers.all_samplers_map["own_1"] = data
        self.kept, p.sampler_name = p.sampler_name, "own_1"

    def postprocess_batch(self: Any, p: Any, **named: Any) -> None:
        p.sampler_name = self.kept
        del sampling.module("sd_samplers").all_samplers_map["own_1"]

    always_on(sampling, process_batch=process_batch, postprocess_batch=postprocess_batch)
    fields = {"sampler": sampler, "hires": {"scale": 2, "upscaler": "Latent"}}
    made = sampling.run(request_of(**fields, batch_size=2))
    assert same(made, sampling.plain(request_of(**fields, batch_size=2, cfg_scale=1.5)))
    assert seen and all(is_own for *_, is_own in seen)
    assert f"Sampler: {sampler}," in made[0].infotext


def test_p_has_its_sampler_and_conds_before_each_sampling(sampling: World) -> None:
    seen: list[Any] = []

    def before(self: Any, p: Any, **named: Any) -> None:
        seen.append((type(p.sampler).__name__, p.sampler.config.name, named["c"] is p.c, len(p.uc)))

    always_on(sampling, process_before_every_sampling=before)
    sampling.run(request_of(sampler="Euler a", hires={"scale": 2, "sampler": "DDIM", "upscaler": "Latent"}))
    assert seen == [("KDiffusionSampler", "Euler a", True, 1), ("CompVisSampler", "DDIM", True, 1)]


def test_a_combination_put_on_p_sampler_acts(sampling: World) -> None:
    def before(self: Any, p: Any, **named: Any) -> None:
        cfg = p.sampler.model_wrap_cfg
        own = cfg.combine_denoised
        cfg.combine_denoised = lambda x_out, conds, uncond, scale: own(x_out, conds, uncond, 2.0)

    always_on(sampling, process_before_every_sampling=before)
    assert same(sampling.run(request_of()), sampling.plain(request_of(cfg_scale=2.0)))


def test_axes_of_extensions_change_p_in_the_cells_of_a_plot(sampling: World) -> None:
    grid = next(
        each.module
        for each in sampling.module("scripts").scripts_data
        if each.script_class.__module__ == "xyz_grid.py"
    )
    grid.axis_options.append(grid.AxisOption("[Mine] Scale", float, grid.apply_field("cfg_scale")))
    word = grid.AxisOption("[Mine] Word", str, grid.apply_field("mine_word"), choices=lambda: ["dog"])
    grid.axis_options.append(word)

    def process(self: Any, p: Any) -> None:
        p.all_prompts = [prompt.replace("cat", getattr(p, "mine_word", "cat")) for prompt in p.all_prompts]

    always_on(sampling, process=process)
    part = {"x_type": "[Mine] Scale", "x_values": "1, 4", "y_type": "[Mine] Word", "y_choices": ["dog"]}
    request = request_of(script="X/Y/Z plot", extras={"xyz_plot": part | {"include_lone_images": True}})
    cells = [each for each in pictures(generate(request, sampling.context)) if each.infotext.startswith("a ")]
    for scale, cell in zip(
        (1.0, 4.0), [each for each in cells if "Script" not in each.infotext], strict=False
    ):
        (expected,) = sampling.plain(request_of(prompt="a dog", cfg_scale=scale))
        assert cell.image.tobytes() == expected.image.tobytes()


@pytest.mark.parametrize("model", ["tiny-sd15", "tiny-sdxl"])
def test_a_sample_of_an_extensions_own_may_use_a_sampler_itself(sampling: World, model: str) -> None:
    def sample(p: Any, conditioning: Any, unconditional_conditioning: Any, **named: Any) -> Tensor:
        p.sampler = sampling.module("sd_samplers").create_sampler(p.sampler_name, p.sd_model)
        rng = sampling.module("rng")
        shape = (4, p.height // 8, p.width // 8)
        x = rng.ImageRNG(shape, p.seeds).next()
        return p.sampler.sample(p, x, conditioning, unconditional_conditioning)

    def process_batch(self: Any, p: Any, **named: Any) -> None:
        c, uc = sampling.module("prompt_parser"), sampling.module("prompt_parser").SdConditioning
        texts = uc(p.prompts, width=p.width, height=p.height)
        negatives = uc(p.negative_prompts, is_negative_prompt=True, width=p.width, height=p.height)
        model = p.sd_model

        def own(*_: Any, **named: Any) -> Tensor:
            conds = c.get_multicond_learned_conditioning(model, texts, p.steps)
            unconds = c.get_learned_conditioning(model, negatives, p.steps)
            return sample(p, conds, unconds)

        p.sample = own

    always_on(sampling, process_batch=process_batch)
    fields = {"model": model, "sampler": "DPM++ 2M", "negative_prompt": "blue", "batch_size": 2}
    fields["options"] = {"randn_source": sampling.module("rng").source()}
    made, plain = sampling.run(request_of(**fields)), sampling.plain(request_of(**fields))
    assert same(made, plain)
    assert not [event for event in sampling.told if "failed" in getattr(event, "text", "")]
    assert replace(sampling.context).state.is_sampling is False
    assert torch.is_grad_enabled()


def test_a_samplers_own_sample_may_call_its_function_itself(sampling: World) -> None:
    seen: list[int] = []
    kdiffusion = sampling.module("sd_samplers_kdiffusion")

    class Own(kdiffusion.KDiffusionSampler):
        """Written as A1111's own: it makes the sigmas and the arguments, and launches its function."""

        def callback_state(self, d: dict[str, Any]) -> None:
            seen.append(d["i"])
            super().callback_state(d)

        def sample(self, p: Any, x: Tensor, cond: Any, uncond: Any, image_conditioning: Any = None) -> Tensor:
            sigmas = self.get_sigmas(p, p.steps)
            extra = self.initialize(p)
            self.last_latent = x = x * sigmas[0]
            self.sampler_extra_args = {"cond": cond, "uncond": uncond, "cond_scale": p.cfg_scale}

            def launch() -> Tensor:
                given = {
                    "extra_args": self.sampler_extra_args,
                    "callback": self.callback_state,
                    "disable": True,
                }
                return own_euler(self.model_wrap_cfg, x, sigmas, **given, **extra)

            return self.launch_sampling(p.steps, launch)

    def process_batch(self: Any, p: Any, **named: Any) -> None:
        def own(conditioning: Any, unconditional_conditioning: Any, **named: Any) -> Tensor:
            p.sampler = Own("sample_euler", p.sd_model)
            p.sampler.config = sampling.module("sd_samplers").all_samplers_map["Euler"]
            x = sampling.module("rng").ImageRNG((4, p.height // 8, p.width // 8), p.seeds).next()
            return p.sampler.sample(p, x, conditioning, unconditional_conditioning)

        p.sample = own

    always_on(sampling, process_batch=process_batch)
    fields = {"sampler": "Euler", "negative_prompt": "blue", "batch_size": 2, "steps": 4}
    fields["options"] = {"randn_source": sampling.module("rng").source()}
    made, plain = sampling.run(request_of(**fields)), sampling.plain(request_of(**fields))
    assert not [event for event in sampling.told if "failed" in getattr(event, "text", "")]
    assert same(made, plain)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("sampler", ["Euler", "DPM2", "DDIM"])
def test_a_run_walks_the_levels_that_an_extension_gives(sampling: World, sampler: str) -> None:
    """By a function on `p`, or one in the place of the samplers' own; from noise and in the second pass."""
    kdiffusion, asked = sampling.module("sd_samplers_kdiffusion"), []
    exponential = sampling.module("sd_schedulers").schedulers_map["exponential"].function
    fields = {"sampler": sampler, "steps": 5, "schedule": "Karras", "denoising_strength": 0.5}
    fields["hires"] = {"scale": 2, "upscaler": "Latent", "steps": 3}
    wanted = sampling.plain(request_of(**fields | {"schedule": "Exponential"}))
    plain = sampling.plain(request_of(**fields))

    def sigmas(steps: int) -> Tensor:
        asked.append(steps)
        return exponential(steps, LEVELS.sigma_min, LEVELS.sigma_max, "cpu")

    def process(self: Any, p: Any) -> None:
        p.sampler_noise_scheduler_override = self.own

    script = always_on(sampling, process=process)
    script.own = sigmas
    made = sampling.run(request_of(**fields))
    if sampler == "DDIM":
        assert same(made, plain) and not asked
        return
    assert same(made, wanted) and not same(made, plain)
    extra = sampler == "DPM2"
    assert asked == [5 + extra, 6 + extra]
    script.own = None
    own = kdiffusion.KDiffusionSampler.get_sigmas
    try:
        kdiffusion.KDiffusionSampler.get_sigmas = lambda self, p, steps: own(
            self, type("P", (), {"sampler_noise_scheduler_override": staticmethod(sigmas)}), steps
        )
        assert same(sampling.run(request_of(**fields)), wanted)
    finally:
        kdiffusion.KDiffusionSampler.get_sigmas = own
    assert same(sampling.run(request_of(**fields)), plain)
