"""Runs of more than one pass: what they tell, what they leave alone, and what they put back."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from PIL import Image

from tests.golden_cases import GOLDENS
from tests.pipelines.runs import digest, pictures, request_of
from webui.core.errors import InvalidRequest, NotFound
from webui.core.events import ImageReady, Message, Progress
from webui.core.request_parts import Loopback
from webui.core.work.series import Series
from webui.models.vae.taesd import read_tiny
from webui.pipelines.generate.generate import generate
from webui.pipelines.loopback import strength_at
from webui.pipelines.series import run_series
from webui.pipelines.setup import decode_latent, encode_images

HIRES = {"scale": 2.0, "steps": 2, "upscaler": "Latent"}


@pytest.fixture
def init(context):
    """The golden init picture."""
    return context.inputs.add((GOLDENS / "assets" / "init.png").read_bytes())


@pytest.fixture
def mask(context):
    """A mask of its middle."""
    drawn = Image.new("L", (128, 128))
    drawn.paste(255, (40, 40, 88, 88))
    return context.inputs.add_image(drawn)


def steps_of(events) -> list[tuple[int, int]]:
    return [(event.step, event.steps) for event in events if isinstance(event, Progress)]


def test_progress_counts_through_both_passes_and_all_batches(context):
    events = list(generate(request_of(hires=HIRES, batch_count=2, denoising_strength=0.5), context))
    assert steps_of(events) == [(step, 10) for step in range(1, 11)]
    assert [event.image.size for event in pictures(iter(events))] == [(128, 128)] * 2


def test_progress_of_img2img_counts_the_steps_that_are_run(context, init):
    request = request_of(init_images=(init,), steps=8, denoising_strength=0.5, batch_count=2)
    assert steps_of(generate(request, context)) == [(step, 10) for step in range(1, 11)]


@pytest.mark.parametrize("at", [1, 4])
def test_a_run_cancelled_in_either_pass_leaves_every_weight_as_it_was(at, context):
    request = request_of(
        hires=HIRES | {"model": "tiny-b"},
        refiner={"model": "tiny-b", "switch_at": 0.3},
        tiling=True,
        options={"token_merging_ratio": 0.5, "hires_fix_refiner_pass": "first pass"},
    )
    list(generate(request, context))
    before = digest(context.models)
    run = generate(request, context)
    for event in run:
        if isinstance(event, Progress) and event.step == at:
            break
    assert digest(context.models) != before
    run.close()
    assert digest(context.models) == before


def test_a_stopped_first_pass_is_shown_as_it_is(context):
    run, made = generate(request_of(hires=HIRES), context), []
    for event in run:
        if isinstance(event, Progress) and event.step == 2:
            context.stop.stop()
        made += [event] if isinstance(event, ImageReady) else []
    assert [event.image.size for event in made] == [(64, 64)]


def test_the_refiner_changes_the_picture_and_is_named_only_where_it_took_over(context):
    plain = pictures(generate(request_of(steps=6), context))[0]
    early, never = (
        pictures(generate(request_of(steps=6, refiner={"model": "tiny-b", "switch_at": share}), context))[0]
        for share in (0.5, 1.0)
    )
    assert early.image.tobytes() != plain.image.tobytes() == never.image.tobytes()
    assert "Refiner: tiny-b [9e98fa883e], Refiner switch at: 0.5" in early.infotext
    assert "Refiner" not in never.infotext


def test_a_refiner_that_is_the_checkpoint_itself_does_nothing(context):
    plain = pictures(generate(request_of(), context))[0]
    same = pictures(generate(request_of(refiner={"model": "tiny-sd15", "switch_at": 0.2}), context))[0]
    assert plain.image.tobytes() == same.image.tobytes()


def test_switching_by_steps_is_written_down(context):
    request = request_of(
        steps=6,
        refiner={"model": "tiny-b", "switch_at": 0.5},
        options={"refiner_switch_by_sample_steps": True},
    )
    assert "Refiner switch by sampling steps: True" in pictures(generate(request, context))[0].infotext


def test_a_hires_pass_starts_from_a_finished_picture(context):
    picture = pictures(generate(request_of(), context))[0].image
    reference = context.inputs.add_image(picture)
    hires = {"upscaler": "Lanczos", "steps": 3, "scale": 2}
    whole, second = (
        pictures(generate(request_of(hires=hires | first, denoising_strength=0.4), context))[0].image
        for first in ({}, {"first_pass": reference})
    )
    assert whole.tobytes() == second.tobytes()


def test_the_first_pass_is_kept_where_the_settings_want_it(context):
    settings = context.settings.changed({"save_images_before_highres_fix": True})
    made = pictures(generate(request_of(hires=HIRES), replace(context, settings=settings)))
    assert [(each.aside, each.image.size) for each in made] == [
        ("-before-highres-fix", (64, 64)),
        ("", (128, 128)),
    ]
    assert not made[0].is_shown


def test_the_init_picture_is_kept_where_the_settings_want_it(context, init):
    settings = context.settings.changed({"save_init_img": True})
    made = pictures(generate(request_of(init_images=(init,)), replace(context, settings=settings)))
    kept, result = made
    assert (kept.aside, kept.is_shown, kept.image.size) == ("-init-image", False, (128, 128))
    assert kept.save_as.folder == "outputs/init-images"
    assert f"Init image hash: {kept.save_as.name}" in result.infotext


def test_inpainting_leaves_what_is_not_masked(context, init, mask):
    request = request_of(
        init_images=(init,),
        width=128,
        height=128,
        inpainting={"mask": mask, "mask_blur_x": 0, "mask_blur_y": 0},
    )
    original = np.asarray(context.inputs.open(init).convert("RGB"), int)
    made = np.asarray(pictures(generate(request, context))[0].image, int)
    outside = np.ones((128, 128), bool)
    outside[40:88, 40:88] = False
    assert (made[outside] == original[outside]).all()
    assert (made[~outside] != original[~outside]).any()


def test_only_masked_gives_a_picture_of_the_size_of_the_original(context, mask):
    large = context.inputs.add_image(Image.effect_noise((300, 200), 60).convert("RGB"))
    request = request_of(init_images=(large,), inpainting={"mask": mask, "only_masked": True, "padding": 4})
    assert pictures(generate(request, context))[0].image.size == (300, 200)


def test_a_blank_mask_is_told_and_the_whole_picture_made(context, init):
    blank = context.inputs.add_image(Image.new("L", (128, 128)))
    request = request_of(init_images=(init,), inpainting={"mask": blank, "only_masked": True})
    events = list(generate(request, context))
    assert any("blank" in event.text for event in events if isinstance(event, Message))
    assert "Inpaint area" not in pictures(iter(events))[0].infotext


def test_an_extended_canvas_keeps_the_old_picture(context, init):
    request = request_of(
        init_images=(init,),
        width=192,
        height=128,
        outpainting={"right": 64, "blend": 8},
        denoising_strength=0.9,
    )
    made = pictures(generate(request, context))[0].image
    original = context.inputs.open(init).convert("RGB")
    kept = (0, 0, 100, 128)
    assert made.size == (192, 128)
    assert made.crop(kept).tobytes() == original.crop(kept).tobytes()


def test_masks_are_shown_where_the_settings_want_them(context, init, mask):
    settings = context.settings.changed({"return_mask": True, "save_mask_composite": True})
    request = request_of(init_images=(init,), width=128, height=128, inpainting={"mask": mask})
    made = pictures(generate(request, replace(context, settings=settings)))
    assert [(each.aside, each.is_saved, each.is_shown) for each in made] == [
        ("", True, True),
        ("-mask", False, True),
        ("-mask-composite", True, False),
    ]
    assert made[2].image.mode == "RGBA"


def test_each_loop_starts_from_the_last_result(context, init):
    request = request_of(
        init_images=(init,),
        steps=4,
        denoising_strength=0.8,
        loopback={"loops": 3, "final_denoising_strength": 0.2},
    )
    events = list(generate(request, context))
    made = pictures(iter(events))
    assert [each.index for each in made] == [0, 1, 2]
    assert [each.seed for each in made] == [0, 1, 2]
    strengths = [float(re.search(r"Denoising strength: ([\d.]+)", each.infotext)[1]) for each in made]
    assert strengths == pytest.approx([0.8, 0.5, 0.2])
    again = request_of(
        init_images=(context.inputs.add_image(made[0].image),), steps=4, denoising_strength=0.5, seed=1
    )
    assert pictures(generate(again, context))[0].image.tobytes() == made[1].image.tobytes()


@pytest.mark.parametrize(
    ("curve", "middle"), [("Linear", 0.5), ("Aggressive", 1 - 0.5**0.5), ("Lazy", 0.5**0.5)]
)
def test_the_strength_follows_its_curve(curve, middle):
    part = Loopback(loops=3, final_denoising_strength=0.0, curve=curve)
    assert [strength_at(1.0, part, number) for number in range(3)] == pytest.approx([1.0, middle, 0.0])


def test_a_series_goes_on_after_what_cannot_be_made(context, init):
    requests = (
        request_of(init_images=(init,), denoising_strength=0.3),
        request_of(init_images=("0" * 64,)),
        request_of(init_images=(init,), batch_count=2),
    )
    events = list(run_series(Series(requests=requests, names=("a.png", "b.png", "c.png")), context, generate))
    made = pictures(iter(events))
    assert [each.save_as.name for each in made] == ["a", "c", "c-1"]
    assert [each.index for each in made] == [0, 2, 3]
    assert any(event.text.startswith("b.png: ") for event in events if isinstance(event, Message))


def test_a_series_of_nothing_but_refusals_is_refused(context):
    with pytest.raises(NotFound):
        list(run_series(Series(requests=(request_of(init_images=("0" * 64,)),)), context, generate))


def test_parts_that_do_not_fit_together_are_refused(init):
    for wrong in (
        {"inpainting": {"mask": init}},
        {"loopback": {}},
        {"init_images": (init,), "hires": HIRES},
        {"init_images": (init, init)},
        {"init_images": (init,), "inpainting": {}},
    ):
        with pytest.raises(InvalidRequest):
            request_of(**wrong)


@torch.no_grad()
def test_a_tiny_vae_takes_the_place_of_the_full_one_where_that_is_wanted(context):
    torch.manual_seed(1)
    tiny = read_tiny(AutoencoderTiny().state_dict(), "taesd", torch.device("cpu"))
    latent, pixels = torch.randn(1, 4, 8, 8), torch.rand(1, 3, 64, 64)
    full = request_of()
    quick = request_of(options={"sd_vae_decode_method": "TAESD", "sd_vae_encode_method": "TAESD"})
    with context.models.use(full.model, precision="exact") as sd:
        sd.tiny_vae = tiny
        assert torch.equal(decode_latent(latent, quick, sd), tiny.decode(latent))
        assert torch.equal(decode_latent(latent, full, sd), sd.vae.decode(latent))
        assert torch.equal(encode_images(pixels, quick, sd), tiny.encode(pixels))
        assert torch.equal(encode_images(pixels, full, sd), sd.vae.encode(pixels))
