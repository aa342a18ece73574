"""The recipe: networks are put back bit by bit however a run ends. (A1111's latents: api/test_goldens.py.)"""

import numpy as np
import pytest

from tests.pipelines.runs import digest, pictures, request_of
from webui.core.events import ImageReady, Message, Phase, Preview, Progress
from webui.pipelines.generate.generate import generate


def test_the_same_request_gives_the_same_picture(context):
    request = request_of(sampler="DPM++ 2M SDE", steps=4)
    first, second = (pictures(generate(request, context)) for _ in range(2))
    assert [picture.image.tobytes() for picture in first] == [picture.image.tobytes() for picture in second]


def test_a_picture_does_not_depend_on_its_batch(context):
    together = pictures(generate(request_of(seed=5, batch_size=2, batch_count=2), context))
    alone = pictures(generate(request_of(seed=8), context))
    difference = np.abs(np.asarray(together[3].image, np.int16) - np.asarray(alone[0].image, np.int16))
    assert difference.max() <= 1


@pytest.mark.parametrize("options", [{}, {"token_merging_ratio": 0.5}])
def test_a_cancelled_run_leaves_every_weight_as_it_was(options, context):
    request = request_of(tiling=True, steps=5, options=options)
    list(generate(request_of(), context))
    before = digest(context.models)
    run = generate(request, context)
    for event in run:
        if isinstance(event, Progress) and event.sampling_step == 2:
            break
    assert digest(context.models) != before
    run.close()
    assert digest(context.models) == before


def test_a_finished_run_leaves_every_weight_as_it_was(context):
    list(generate(request_of(), context))
    before = digest(context.models)
    list(generate(request_of(tiling=True, options={"token_merging_ratio": 0.5}), context))
    assert digest(context.models) == before


def test_token_merging_and_tiling_change_the_picture(context):
    plain, tiled, merged = (
        pictures(generate(request_of(seed=3, **changes), context))[0].image.tobytes()
        for changes in ({}, {"tiling": True}, {"options": {"token_merging_ratio": 0.6}})
    )
    assert len({plain, tiled, merged}) == 3


def phases(events):
    """Names of the phases, each once for each time it began."""
    return [event.name for event in events if isinstance(event, Phase)]


def test_each_phase_is_named_before_its_work(context):
    events = list(generate(request_of(batch_count=2), context))
    assert phases(events) == ["Loading model", "Reading the prompt", *["Sampling", "Decoding"] * 2]
    places = {type(event): at for at, event in reversed(list(enumerate(events)))}
    assert places[Phase] < places[Progress] < places[ImageReady]
    of_a_batch = [e.detail for e in generate(request_of(batch_size=2), context) if isinstance(e, Phase)]
    assert of_a_batch[-2:] == ["picture 1 of 2", "picture 2 of 2"]


def test_the_passes_of_hires_fix_are_named(context):
    hires = {"scale": 2, "upscaler": "Latent", "steps": 2}
    events = generate(request_of(hires=hires, denoising_strength=0.7), context)
    assert phases(events)[2:] == ["Sampling", "Upscaling", "Hires. fix", "Decoding"]


def test_hypertile_changes_large_pictures_alone_and_leaves_nothing_behind(context):
    def made(**changes):
        return pictures(generate(request_of(seed=3, steps=2, **changes), context))[0]

    unet, vae = (
        {"hypertile_enable_unet": True, "hypertile_max_tile_unet": 128},
        {"hypertile_enable_vae": True},
    )
    small, large = {"width": 64, "height": 64}, {"width": 256, "height": 256}
    plain = made(**large)
    tiled, decoded = made(**large, options=unet), made(**large, options=vae)
    assert len({each.image.tobytes() for each in (plain, tiled, decoded)}) == 3
    assert made(**large, options=unet).image.tobytes() == tiled.image.tobytes()
    assert made(**large).image.tobytes() == plain.image.tobytes()
    assert made(**small, options=unet | vae).image.tobytes() == made(**small).image.tobytes()
    assert "Hypertile U-Net: True, Hypertile U-Net max tile size: 128" in tiled.infotext
    assert "Hypertile VAE: True" in decoded.infotext
    assert "Hypertile" not in plain.infotext
    hires = {
        "hires": {"scale": 2, "upscaler": "Latent"},
        "denoising_strength": 0.5,
        "width": 128,
        "height": 128,
    }
    second = made(**hires, options={"hypertile_enable_unet_secondpass": True, "hypertile_max_tile_unet": 128})
    assert second.image.tobytes() != made(**hires).image.tobytes()
    assert "Hypertile U-Net second pass: True" in second.infotext
    # As in A1111, the first option stands for both passes.
    both = made(**hires, options=unet | {"hypertile_enable_unet_secondpass": True})
    assert "Hypertile U-Net: True" in both.infotext
    assert "second pass" not in both.infotext


def test_tiles_fit_together(context):
    image = pictures(generate(request_of(seed=3, tiling=True, steps=8), context))[0].image
    plain = pictures(generate(request_of(seed=3, steps=8), context))[0].image
    assert seam(image) < seam(plain)


def seam(image) -> float:
    """How much the picture jumps where its right edge meets its left, against its jumps elsewhere."""
    pixels = np.asarray(image, np.float32)
    return float(np.abs(pixels[:, -1] - pixels[:, 0]).mean() / np.abs(np.diff(pixels, axis=1)).mean())


def test_stop_decodes_what_is_there(context):
    run, made = generate(request_of(steps=10, batch_count=3), context), []
    for event in run:
        if isinstance(event, Progress) and event.sampling_step == 4:
            context.stop.stop()
        made += [event] if isinstance(event, ImageReady) else []
    assert len(made) == 1


def test_skip_goes_on_with_the_next_batch(context):
    steps, made = [], []
    for event in generate(request_of(steps=4, batch_count=2), context):
        if isinstance(event, Progress):
            steps.append((event.batch, event.sampling_step))
            if len(steps) == 2:
                context.stop.skip()
        made += [event] if isinstance(event, ImageReady) else []
    assert steps == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3), (1, 4)]
    assert len(made) == 2


def test_every_step_tells_progress_and_previews_form(context):
    events = list(generate(request_of(steps=5), context))
    assert [event.step for event in events if isinstance(event, Progress)] == [1, 2, 3, 4, 5]
    previews = [event for event in events if isinstance(event, Preview)]
    assert [event.step for event in previews] == [1, 2, 3, 4]
    assert all(event.data.startswith(b"\xff\xd8") for event in previews)


def test_networks_that_are_not_there_are_told(context):
    events = list(generate(request_of(prompt="a cat <lora:nothing:0.8>"), context))
    assert any("'nothing'" in event.text for event in events if isinstance(event, Message))
    assert pictures(iter(events))
