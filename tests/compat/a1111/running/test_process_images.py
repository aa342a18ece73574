"""`process_images` within hooks: nested runs are the same as the request made directly."""

import copy
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.compat.a1111.running.test_process import are_alike, bytes_of, script_of
from tests.pipelines.runs import request_of
from webui.core.errors import InvalidRequest
from webui.core.events import ImageReady


def img2img_of(world, image: Image.Image, **changes: object):
    """As a detailer makes one: only masked, from a picture."""
    given = {
        "init_images": [image],
        "resize_mode": 0,
        "denoising_strength": 0.4,
        "mask_blur": 4,
        "inpainting_fill": 1,
        "inpaint_full_res": True,
        "inpaint_full_res_padding": 8,
        "inpainting_mask_invert": 0,
        "prompt": "a face",
        "negative_prompt": "",
        "styles": [],
        "seed": 9,
        "subseed": -1,
        "sampler_name": "Euler",
        "steps": 4,
        "width": 64,
        "height": 64,
        "restore_faces": False,
        "tiling": False,
        "do_not_save_samples": True,
        "do_not_save_grid": True,
        "override_settings": {"sd_model_checkpoint": "tiny-sd15"},
    }
    return world.module("processing").StableDiffusionProcessingImg2Img(**given | changes)


def same_request(world, image: Image.Image, mask: Image.Image):
    inputs = world.context.inputs
    inpainting = {"mask": inputs.add_image(mask), "only_masked": True, "padding": 8}
    changes = {"init_images": (inputs.add_image(image),), "inpainting": inpainting, "denoising_strength": 0.4}
    return request_of(prompt="a face", seed=9, steps=4, **changes)


def test_img2img_in_postprocess_image_equals_the_request_made_directly(world, mask):
    outer = []

    def postprocess_image(p, pp):
        outer.append(pp.image.copy())
        p2 = img2img_of(world, pp.image, mask=None)
        p2.image_mask = mask
        p2.scripts, p2.script_args = None, []
        processed = world.module("processing").process_images(p2)
        assert (processed.all_seeds, processed.all_prompts, processed.seed) == ([9], ["a face"], 9)
        assert "Denoising strength: 0.4" in processed.infotexts[0]
        pp.image = processed.images[0]

    script_of(world, postprocess_image=postprocess_image)
    made = world.run(request_of(seed=3))
    (wanted,) = world.plain(same_request(world, outer[0], mask))
    assert bytes_of(made) == [wanted.image.tobytes()]
    assert bytes_of([wanted]) != [outer[0].tobytes()]
    assert not [each for each in world.told if isinstance(each, ImageReady)]


def test_a_run_within_has_the_scripts_that_its_object_has(world):
    called = []

    def process(p):
        called.append(("process", p.prompt))

    def postprocess_image(p, pp):
        if p.prompt == "inner":
            return
        p2 = copy.copy(p)
        p2.prompt, p2.seed = "inner", 5
        if called[-1][1] == "a cat":
            runner = copy.copy(p.scripts)
            runner.alwayson_scripts = p.scripts.alwayson_scripts[:1]
            p2.scripts = runner
        pp.image = world.module("processing").process_images(p2).images[0]

    script_of(world, process=process)
    script_of(world, postprocess_image=postprocess_image)
    made = world.run(request_of(seed=3))
    assert called == [("process", "a cat"), ("process", "inner")]
    assert bytes_of(made) == bytes_of(world.plain(request_of(prompt="inner", seed=5)))


def test_pictures_of_a_run_within_are_saved_where_its_object_says_and_not_shown(world):
    def postprocess(p, processed):
        p2 = copy.copy(p)
        p2.scripts, p2.outpath_samples, p2.prompt, p2.seed = None, "elsewhere", "inner", 5
        p2.do_not_save_samples = p.iteration > 5
        world.module("processing").process_images(p2)

    script_of(world, postprocess=postprocess)
    world.run(request_of())
    (told,) = [each for each in world.told if isinstance(each, ImageReady)]
    assert (told.is_saved, told.is_shown, told.joins_grid) == (True, False, False)
    assert told.save_as.folder == "elsewhere"
    assert told.save_as.as_usual


def test_several_prompts_of_one_object_are_made_each(world):
    results = []

    def postprocess(p, processed):
        if p.scripts is None:
            return
        p2 = world.module("processing").StableDiffusionProcessingTxt2Img(
            prompt=["a dog", "a car"], seed=[4, 7], batch_size=2, width=64, height=64, steps=3,
                do_not_save_grid=True,
            sampler_name="Euler", do_not_save_samples=True,
        )  # fmt: skip
        results.append(world.module("processing").process_images(p2))

    script_of(world, postprocess=postprocess)
    world.run(request_of())
    wanted = [
        world.plain(request_of(prompt=text, seed=seed))[0] for text, seed in (("a dog", 4), ("a car", 7))
    ]
    images = [SimpleNamespace(image=image) for image in results[0].images]
    assert are_alike(images, wanted)
    assert results[0].infotexts == [each.infotext for each in wanted]


def test_process_images_inner_is_called_as_it_is_in_the_module(world):
    processing = world.module("processing")
    own, seen = processing.process_images_inner, []

    def patched(p):
        seen.append(p.prompt)
        return own(p)

    processing.process_images_inner = patched
    try:
        script_of(
            world,
            postprocess=lambda p, processed: processing.process_images(
                img2img_of(world, processed.images[0], inpaint_full_res=False)
            ),
        )
        world.run(request_of())
    finally:
        processing.process_images_inner = own
    assert seen == ["a face"]


def test_a_wrong_value_of_an_inner_object_fails_that_call_alone(world):
    refusals = []

    def postprocess_image(p, pp):
        try:
            world.module("processing").process_images(img2img_of(world, pp.image, sampler_name="Nonesuch"))
        except InvalidRequest as error:
            refusals.append(str(error))

    script_of(world, postprocess_image=postprocess_image)
    assert bytes_of(world.run(request_of(seed=3))) == bytes_of(world.plain(request_of(seed=3)))
    assert "Nonesuch" in refusals[0]


@pytest.mark.parametrize("field", ["seed", "subseed"])
def test_fix_seed_draws_what_is_not_given(field, world):
    processing = world.module("processing")
    p = processing.StableDiffusionProcessingTxt2Img(seed=3, subseed=4)
    setattr(p, field, -1)
    processing.fix_seed(p)
    assert 0 <= getattr(p, field) < 2**32
    assert processing.get_fixed_seed(7) == 7
    assert processing.get_fixed_seed("") >= 0


def test_infotexts_are_those_of_the_pictures(world):
    texts = []

    def postprocess(p, processed):
        texts.extend(processed.infotext(p, index) for index in range(2))
        assert processed.infotexts == texts
        assert processed.js().startswith("{")

    script_of(world, process=lambda p: p.extra_generation_params.update(Own="x"), postprocess=postprocess)
    made = world.run(request_of(batch_size=2))
    assert texts == [each.infotext for each in made]


def test_a_function_in_the_place_of_process_images_makes_the_runs(world, monkeypatch):
    processing = world.module("processing")
    own, seen = processing.process_images, []

    def replaced(p):
        p.prompt += ", seen"
        processed = own(p)
        seen.append((p.prompt, len(processed.images), processed.infotexts[0].split("\n")[0]))
        return processed

    monkeypatch.setattr(processing, "process_images", replaced)
    hooks = []
    script_of(world, process=lambda p: hooks.append(p.prompt))
    world.run(request_of(prompt="a fox"))
    # As of a script that makes the run, pictures are told while they are made.
    made = [each for each in world.told if isinstance(each, ImageReady) and each.is_shown]
    assert seen == [("a fox, seen", 1, "a fox, seen")]
    assert hooks == ["a fox, seen"]
    monkeypatch.undo()
    assert bytes_of(made) == bytes_of(world.run(request_of(prompt="a fox, seen")))


def test_a_function_in_the_place_of_the_runners_run_is_called_in_each_run(world):
    runner, processing = world.module("scripts").scripts_txt2img, world.module("processing")
    script, own, seen = script_of(world), runner.run, []

    def run(p, *args):
        seen.append(args[0])
        p.prompt += ", seen"
        return processing.process_images(p) if len(seen) == 1 else None

    runner.run = run
    try:
        first, _ = world.run(request_of(prompt="a fox")), world.run(request_of(prompt="a fox"))
    finally:
        # As extensions put it back.
        runner.run = own
    told = [each for each in world.told if isinstance(each, ImageReady) and each.is_shown]
    assert first == []
    assert seen == [0, 0]
    plain = world.run(request_of(prompt="a fox, seen"))
    assert [each.image.tobytes() for each in told] == [plain[0].image.tobytes()] * 2
    assert script in runner.scripts


def test_one_that_fails_is_named(world, monkeypatch):
    def fails(p):
        raise KeyError("x")

    monkeypatch.setattr(world.module("processing"), "process_images", fails)
    with pytest.raises(InvalidRequest, match=r"process_images, and it failed \(KeyError"):
        world.run(request_of(prompt="a fox"))


def test_all_that_p_has_may_be_put_back_on_it(world):
    seen = []

    def process(p):
        for name in dir(p):
            if not name.startswith("_") and not callable(getattr(p, name)):
                setattr(p, name, getattr(p, name))
        seen.append(p.subseed_strength_is_used)

    script_of(world, process=process)
    assert bytes_of(world.run(request_of(prompt="a fox"))) == bytes_of(
        world.plain(request_of(prompt="a fox"))
    )
    assert seen == [False]
    assert not [event for event in world.told if "failed" in getattr(event, "text", "")]
