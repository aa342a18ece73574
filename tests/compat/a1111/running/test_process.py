"""What scripts change of `p` is what is made: each picture as if it had been asked for alone."""

import copy

import pytest
import torch
from PIL import Image, ImageChops

from tests.pipelines.runs import pictures, request_of
from webui.core.errors import InvalidRequest
from webui.core.events import Message, Withdrawn
from webui.pipelines.generate.generate import generate


def script_of(world, tab: str = "txt2img", **methods):
    """An always visible script of these methods, without `self`."""
    base = world.module("scripts").Script
    named = {name: staticmethod(function) for name, function in methods.items()}
    return world.add(type("Own", (base,), named | {"title": lambda self: "Own"})(), tab=tab)


def bytes_of(results) -> list[bytes]:
    return [each.image.tobytes() for each in results]


def are_alike(results, others) -> bool:
    """Whether they are the same but for how a batch rounds."""
    pairs = zip(results, others, strict=True)
    differences = [ImageChops.difference(one.image, other.image).getextrema() for one, other in pairs]
    return all(high <= 2 for difference in differences for _, high in difference)


def test_rewritten_prompts_and_seeds_give_the_pictures_of_those_made_singly(world):
    prompts, seeds = ["a red car", "a blue dog <lora:lora-file:0.8>", "a cat"], [5, 99, 1]

    def process(p):
        p.all_prompts, p.all_seeds = list(prompts), list(seeds)
        p.all_negative_prompts = ["blurry", "", "ugly"]
        p.n_iter = 3

    script_of(world, process=process)
    made = world.run(request_of(prompt="__thing__", negative_prompt="x", seed=4))
    singly = [
        world.plain(request_of(prompt=prompt, negative_prompt=negative, seed=seed))[0]
        for prompt, negative, seed in zip(prompts, ["blurry", "", "ugly"], seeds, strict=True)
    ]
    assert bytes_of(made) == bytes_of(singly)
    assert [each.infotext for each in made] == [each.infotext for each in singly]
    assert [each.seed for each in made] == seeds


CHANGES: list[tuple[str, object, dict[str, object]]] = [
    ("width", 96, {"width": 96}),
    ("width", 100.0, {"width": 96}),
    ("steps", 2, {"steps": 2}),
    ("cfg_scale", 3.5, {"cfg_scale": 3.5}),
    ("sampler_name", "Heun", {"sampler": "Heun"}),
    ("scheduler", "Karras", {"schedule": "Karras"}),
    ("batch_size", 2, {"batch_size": 2}),
    ("tiling", True, {"tiling": True}),
    ("s_churn", 5, {"options": {"s_churn": 5}}),
    ("enable_hr", True, {"hires": {"scale": 2.0}, "denoising_strength": 0.75}),
]
# Once `process` is called, `all_prompts` has its entries: another batch size needs them too.
HOOKED = [
    (hook, *case)
    for hook in ("before_process", "process")
    for case in CHANGES
    if (hook, case[0]) != ("process", "batch_size")
]


@pytest.mark.parametrize(("hook", "attribute", "value", "changes"), HOOKED)
def test_a_changed_attribute_is_the_changed_request(hook, attribute, value, changes, world):
    script_of(world, **{hook: lambda p: setattr(p, attribute, value)})
    made, wanted = world.run(request_of(seed=3)), world.plain(request_of(seed=3, **changes))
    assert bytes_of(made) == bytes_of(wanted)
    assert [each.infotext for each in made] == [each.infotext for each in wanted]


def test_before_process_changes_texts_seed_and_overridden_settings(world):
    def before_process(p):
        p.prompt += ", in winter"
        p.seed = 77
        p.override_settings = {
            "CLIP_stop_at_last_layers": 2,
            "an_extensions_own": 1,
            "sd_model_checkpoint": "tiny-b",
        }

    script_of(world, before_process=before_process)
    made = world.run(request_of())
    changes = {"prompt": "a cat, in winter", "seed": 77, "options": {"clip_skip": 2}, "model": "tiny-b"}
    wanted = world.plain(request_of(**changes))
    assert bytes_of(made) == bytes_of(wanted)
    assert made[0].infotext == wanted[0].infotext
    assert "Clip skip: 2" in made[0].infotext


@pytest.mark.parametrize("moment", ["before_process_batch", "process_batch"])
def test_texts_of_a_batch(moment, world):
    def change(p, prompts, **_):
        assert prompts is p.prompts
        p.prompts[0] = "a red car"

    script_of(world, **{moment: change})
    request = request_of(batch_size=2, seed=3)
    made = world.run(request)
    wanted = world.plain(request_of(prompt="a red car", seed=3))
    second = world.plain(request_of(seed=4))
    assert are_alike(made, wanted + second)


def test_networks_may_be_put_into_a_batch_and_are_told(world):
    told = []

    def before(p, prompts, **_):
        p.prompts[:] = [each + " <lora:lora-file:0.8>" for each in prompts]

    script_of(world, before_process_batch=before, process_batch=lambda p, prompts, **_: told.extend(prompts))
    made = world.run(request_of(seed=3))
    wanted = world.plain(request_of(prompt="a cat <lora:lora-file:0.8>", seed=3))
    assert bytes_of(made) == bytes_of(wanted)
    assert "<lora" not in told[0]


def test_a_bad_value_names_the_extension_the_attribute_and_the_hook(world, tmp_path):
    code = "def process(p):\n    p.steps = -3\n"
    file = tmp_path / "sd-webui-clumsy" / "scripts" / "clumsy.py"
    file.parent.mkdir(parents=True)
    file.write_text(code, encoding="utf-8")
    world.host.health.add("sd-webui-clumsy", tmp_path / "sd-webui-clumsy")
    names: dict = {}
    exec(compile(code, str(file), "exec"), names)
    script_of(world, process=names["process"])
    with pytest.raises(
        InvalidRequest, match=r"'sd-webui-clumsy' set p\.steps to -3 in process\..*steps is -3"
    ):
        world.run(request_of())


def test_a_script_that_fails_is_noted_and_the_others_go_on(world, tmp_path):
    def fail(p, *_, **__):
        raise ValueError("no luck")

    def leave(p, *_, **__):
        raise SystemExit(3)

    for name in ("process", "postprocess_image", "postprocess"):
        script_of(world, **{name: fail})
    script_of(world, process_batch=leave)
    seen = []
    script_of(world, postprocess=lambda p, processed: seen.append(len(processed.images)))
    assert bytes_of(world.run(request_of(seed=3))) == bytes_of(world.plain(request_of(seed=3)))
    assert seen == [1]


def test_postprocess_image_replaces_and_the_infotext_tells(world):
    def before(p):
        p.extra_generation_params |= {
            "Own text": "a, b",
            "Own list": ["first", "second"],
            "Own function": lambda index, prompt_text, **_: f"{index} {prompt_text}",
            "Own bad": lambda index: 1 / 0,
            "Nothing": None,
        }

    def postprocess_image(p, pp):
        p.extra_generation_params["Late"] = p.batch_index
        pp.image = Image.new("RGB", pp.image.size, "red")

    script_of(world, process=before, postprocess_image=postprocess_image)
    made = world.run(request_of(batch_size=2))
    assert [each.image.getpixel((0, 0)) for each in made] == [(255, 0, 0)] * 2
    for index, name in enumerate(("first", "second")):
        for part in (
            'Own text: "a, b"',
            f"Own list: {name}",
            f"Own function: {index} a cat",
            f"Late: {index}",
        ):
            assert part in made[index].infotext
        assert "Nothing" not in made[index].infotext
        assert "Own bad" not in made[index].infotext


def test_postprocess_batch_writes_into_the_pictures_and_the_list_may_have_more(world):
    def postprocess_batch(p, images, batch_number):
        images[:, 0] = 1.0

    def postprocess_batch_list(p, pp, batch_number):
        pp.images += [each * 0 for each in pp.images[:1]]

    script_of(world, postprocess_batch=postprocess_batch)
    script_of(world, postprocess_batch_list=postprocess_batch_list)
    made = world.run(request_of(batch_count=2))
    assert [each.image.getpixel((3, 3))[0] for each in made] == [255, 0, 255, 0]
    assert [each.index for each in made] == [0, 1, 2, 3]


def test_postprocess_appends_replaces_and_leaves_out(world):
    blue = Image.new("RGB", (8, 8), "blue")

    def postprocess(p, processed):
        assert processed.all_prompts == ["a cat"] * 2
        assert processed.index_of_first_image == 0
        assert [each.size for each in processed.images] == [(64, 64)] * 2
        processed.images = [processed.images[1], blue]
        processed.infotexts = [processed.infotexts[1], "Own words"]

    script_of(world, postprocess=postprocess)
    request = request_of(batch_size=2, seed=3)
    events = list(generate(request, world.context))
    made = pictures(iter(events))
    assert [each.index for each in events if isinstance(each, Withdrawn)] == [0]
    assert [each.index for each in made] == [0, 1, 2]
    assert made[2].image is blue
    assert (made[2].infotext, made[2].is_saved, made[2].is_shown) == ("Own words", False, True)


def test_post_sample_changes_the_latent(world):
    def post_sample(p, ps):
        ps.samples = ps.samples * 0.5

    script_of(world, post_sample=post_sample)
    assert bytes_of(world.run(request_of(seed=3))) != bytes_of(world.plain(request_of(seed=3)))


def test_noise_may_be_changed_before_every_sampling(world):
    def change(p, x, noise, c, uc):
        assert x is noise
        noise.mul_(0.5)
        p.cfg_scale = 2

    script_of(world, process_before_every_sampling=change)
    assert bytes_of(world.run(request_of(seed=3))) != bytes_of(world.plain(request_of(seed=3, cfg_scale=2)))


def test_numbers_set_before_a_sampling_decide_it(world):
    script_of(world, process_batch=lambda p, **_: setattr(p, "cfg_scale", 2))
    assert bytes_of(world.run(request_of(seed=3))) == bytes_of(world.plain(request_of(seed=3, cfg_scale=2)))


def test_sample_replaced_on_the_object_is_called_and_may_fail(world):
    calls = []

    def process(p):
        own = p.sample

        def sample(conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts):
            calls.append((list(seeds), list(prompts)))
            return (
                own(conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts)
                * 0.5
            )

        p.sample = sample

    script_of(world, process=process)
    halved = bytes_of(world.run(request_of(seed=3)))
    assert calls == [([3], ["a cat"])]
    assert halved != bytes_of(world.plain(request_of(seed=3)))


def test_a_sample_that_fails_leaves_the_programs_own(world):
    def fail(**_):
        raise ValueError("no")

    script_of(world, process=lambda p: setattr(p, "sample", fail))
    assert bytes_of(world.run(request_of(seed=3))) == bytes_of(world.plain(request_of(seed=3)))


def test_init_replaced_on_the_object_is_called_around_the_start(world, noise):
    other = Image.new("RGB", (64, 64), "green")
    seen = []

    def process(p):
        own = p.init

        def init(all_prompts, all_seeds, all_subseeds):
            p.init_images = [other]
            own(all_prompts, all_seeds, all_subseeds)
            seen.append(tuple(p.init_latent.shape))

        p.init = init

    script_of(world, tab="img2img", process=process)
    references = [world.context.inputs.add_image(each) for each in (noise, other)]
    made, wanted = (
        run(request_of(seed=3, init_images=(each,), denoising_strength=0.5))
        for run, each in zip((world.run, world.plain), references, strict=True)
    )
    assert bytes_of(made) == bytes_of(wanted)
    assert seen == [(1, 4, 8, 8)]


def test_the_init_latent_may_be_another(world, noise):
    def process(p):
        own = p.init

        def init(*given):
            own(*given)
            p.init_latent = p.init_latent * 0

        p.init = init

    script_of(world, tab="img2img", process=process)
    request = request_of(seed=3, init_images=(world.context.inputs.add_image(noise),), denoising_strength=0.5)
    assert bytes_of(world.run(request)) != bytes_of(world.plain(request))


def test_the_overlay_may_be_another(world, noise, mask):
    def over(p, pp):
        pp.overlay_image = Image.new("RGBA", pp.overlay_image.size, "red")

    script_of(world, tab="img2img", postprocess_maskoverlay=over)
    inputs = world.context.inputs
    request = request_of(init_images=(inputs.add_image(noise),), inpainting={"mask": inputs.add_image(mask)})
    assert world.run(request)[0].image.getextrema() == ((255, 255), (0, 0), (0, 0))


def test_a_comment_is_told_to_the_artist(world):
    script_of(world, process=lambda p: p.comment("mind the gap"))
    world.run(request_of())
    assert "mind the gap" in [each.text for each in world.told if isinstance(each, Message)]


def test_an_object_is_copied_and_tolerates_whatever_is_set(world):
    processing = world.module("processing")
    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=1, prompt="a", sampler_index=0, of_long_ago=3, styles=None
    )
    p.anything = {"x": 1}
    other = copy.copy(p)
    other.prompt, other.styles = "b", ["x"]
    assert (p.prompt, p.anything, p.of_long_ago, p.styles) == ("a", {"x": 1}, 3, [])
    assert isinstance(other, processing.StableDiffusionProcessing)
    with pytest.raises(AttributeError):
        _ = p.nowhere
    two = processing.StableDiffusionProcessingImg2Img(mask=Image.new("L", (8, 8)), mask_blur=7)
    assert (two.mask, two.image_mask.size, two.mask_blur_x, two.mask_blur) == (None, (8, 8), 7, 7)
    two.mask_blur_y = 3
    assert two.mask_blur is None


def test_the_blend_of_a_mask_may_be_another(world, noise, mask):
    seen = []

    def on_mask_blend(p, mba):
        seen.append(mba.blended_latent.shape)
        mba.blended_latent = mba.current_latent

    script_of(world, tab="img2img", on_mask_blend=on_mask_blend)
    inputs = world.context.inputs
    request = request_of(
        seed=3, init_images=(inputs.add_image(noise),), inpainting={"mask": inputs.add_image(mask)}
    )
    assert bytes_of(world.run(request)) != bytes_of(world.plain(request))
    assert set(seen) == {(1, 4, 8, 8)}


def test_masks_and_colours_by_functions(world, noise, mask):
    masking, processing = world.module("masking"), world.module("processing")
    assert masking.get_crop_region(mask, 4) == (12, 12, 52, 52)
    assert masking.get_crop_region_v2(Image.new("L", (64, 64)), 4) is None
    left, top, right, bottom = masking.expand_crop_region((12, 12, 52, 32), 64, 64, 64, 64)
    assert (right - left, bottom - top) == (40, 40)
    assert masking.fill(noise, mask).size == (64, 64)
    assert processing.create_binary_mask(mask).tobytes() == mask.tobytes()
    measured = processing.setup_color_correction(noise)
    assert processing.apply_color_correction(measured, noise).size == (64, 64)
    overlay = Image.new("RGBA", (64, 64), "red")
    made, original = processing.apply_overlay(noise, None, overlay)
    assert made.getpixel((0, 0)) == (255, 0, 0)
    assert original.tobytes() == noise.tobytes()
    assert processing.apply_overlay(noise, None, 0, []).tobytes() == noise.tobytes()
    assert processing.old_hires_fix_first_pass_dimensions(1024, 512) == (768, 384)


def test_the_callback_of_extra_noise_changes_that_noise_alone(world, noise):
    callbacks, seen = world.module("script_callbacks"), []
    inputs = world.context.inputs
    request = request_of(
        init_images=(inputs.add_image(noise),), denoising_strength=0.5, options={"img2img_extra_noise": 0.3}
    )
    script_of(world, tab="img2img")

    def count(params):
        seen.append((params.noise.shape, params.x.shape, params.xi.shape))

    def silence(params):
        params.noise *= 0

    plain, without = world.plain(request), world.plain(request_of(**request.model_dump() | {"options": {}}))
    callbacks.on_extra_noise(count)
    assert bytes_of(world.run(request)) == bytes_of(plain)
    assert seen == [((1, 4, 8, 8),) * 3]
    callbacks.on_extra_noise(silence)
    assert bytes_of(world.run(request)) == bytes_of(without) != bytes_of(plain)
    assert len(seen) == 2


@pytest.mark.parametrize("sampler", ["Euler a", "DDIM"])
def test_a_sample_of_an_extensions_own_is_given_the_texts_encoded(world, sampler):
    given = []

    def process(p):
        def sample(conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts):
            given.append((conditioning, unconditional_conditioning))
            p.sampler = world.module("sd_samplers").create_sampler(p.sampler_name, p.sd_model)
            noise = p.rng.next()
            return p.sampler.sample(p, noise, conditioning, unconditional_conditioning)

        p.sample = sample

    script_of(world, process=process)
    request = request_of(prompt="a cat AND a dog :0.5", sampler=sampler)
    assert bytes_of(world.run(request)) == bytes_of(world.plain(request))
    ((cond, uncond),) = given
    assert [each.weight for each in cond.batch[0]] == [1.0, 0.5]
    assert len(uncond) == 1


def test_override_settings_are_in_opts_while_the_run_lasts(world):
    opts, seen = world.module("shared").opts, []

    def read(p, *_, **__):
        seen.append((opts.CLIP_stop_at_last_layers, opts.sd_vae, opts.eta_noise_seed_delta))

    before = opts.CLIP_stop_at_last_layers

    def postprocess(p, processed):
        read(p)
        if p.prompt != "inner":
            p2 = copy.copy(p)
            p2.prompt, p2.do_not_save_samples = "inner", True
            p2.override_settings = {"eta_noise_seed_delta": 31}
            world.module("processing").process_images(p2)
            read(p)

    script_of(world, process_batch=read, postprocess=postprocess)
    world.run(request_of(options={"clip_skip": 2}))
    assert [each[0] for each in seen] == [2] * 5
    assert [each[2] for each in seen] == [0, 0, 31, 31, 0]
    assert opts.CLIP_stop_at_last_layers == before == 1


def test_a_function_in_the_place_of_create_infotext_writes_the_infotext(world, monkeypatch):
    processing = world.module("processing")
    own = processing.create_infotext

    def create_infotext(p, all_prompts, all_seeds, all_subseeds, **named):
        return own(p, all_prompts, all_seeds, all_subseeds, **named) + f", Mine: {named['iteration']}"

    script_of(world)
    request = request_of(batch_count=2)
    plain = [each.infotext for each in world.plain(request)]
    assert [each.infotext for each in world.run(request)] == plain
    monkeypatch.setattr(processing, "create_infotext", create_infotext)
    assert [each.infotext for each in world.run(request)] == [f"{plain[0]}, Mine: 0", f"{plain[1]}, Mine: 1"]


def test_a_function_in_the_place_of_create_infotext_that_fails_leaves_the_infotext(world, monkeypatch):
    monkeypatch.setattr(world.module("processing"), "create_infotext", lambda p: "too few arguments")
    script_of(world)
    assert [each.infotext for each in world.run(request_of())] == [
        each.infotext for each in world.plain(request_of())
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_a_sample_that_gives_another_count_of_latents_makes_that_many_pictures(world, count):
    def process(p):
        own = p.sample

        def sample(*args, **named):
            latent = own(*args, **named)
            return torch.cat([latent[:1]] * count)

        p.sample = sample

    plain = world.plain(request_of(batch_size=2))
    script_of(world, process=process)
    made = world.run(request_of(batch_size=2))
    assert len(made) == count
    assert are_alike(made, plain[:1] * count)
    assert [each.seed for each in made] == [plain[0].seed, plain[1].seed, plain[1].seed][:count]
