"""The recipe: A1111's latents, and networks that are put back bit by bit however a run ends."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch

from tests.golden_cases import FAMILIES, GoldenCase, golden_cases, txt2img_cases
from tests.pipelines.runs import digest, pictures, request_of
from webui.core.events import ImageReady, Message, Preview, Progress
from webui.core.request import GenerationRequest
from webui.pipelines.context import Context
from webui.pipelines.encode import encode_prompts
from webui.pipelines.generate import generate
from webui.pipelines.img2img import complete, make_start
from webui.pipelines.passes import Run, sample_batch
from webui.pipelines.pictures import use_upscaler
from webui.pipelines.setup import Batch

# Of A1111's latents, by the largest value.
TOLERANCE = 1e-3
# DPM adaptive magnifies rounding: see tests/api/test_goldens.py.
CHAOTIC_TOLERANCE = 1e-2
# The picture between the passes of hires fix is rounded to 8 bits.
ROUNDED_TOLERANCE = 1e-2
LATENT_CASES = [
    case
    for case in golden_cases()
    if "sampler" in case.data["id"] or case.family != "sd15" or case not in txt2img_cases()
]


@pytest.mark.slow
@pytest.mark.parametrize("case", LATENT_CASES, ids=str)
def test_the_latent_is_that_of_a1111(case: GoldenCase, context: Context, exact_services):
    from webui.api.sdapi.fields import own_options, request_fields
    from webui.api.sdapi.models import Img2ImgBody, Txt2ImgBody

    kind = Img2ImgBody if "init_images" in case.payload else Txt2ImgBody
    body = kind.model_validate(case.payload)
    overrides = {
        "randn_source": "GPU",
        "sd_model_checkpoint": FAMILIES[case.family],
        **(body.override_settings or {}),
    }
    fields = request_fields(body, overrides, exact_services.inputs)
    request = exact_services.new_request(fields, own_options(exact_services, overrides))
    latent, expected = final_latent(request, context), case.latent
    # A1111 decodes the pictures of a hires batch one by one; the golden then is the last.
    difference = np.abs(latent[-len(expected) :] - expected).max() / np.abs(expected).max()
    assert difference <= latent_tolerance(request)


def latent_tolerance(request: GenerationRequest) -> float:
    if request.sampler == "DPM adaptive":
        return CHAOTIC_TOLERANCE
    return ROUNDED_TOLERANCE if request.hires and request.hires.latent_mode is None else TOLERANCE


@torch.no_grad()
def final_latent(request: GenerationRequest, context: Context) -> np.ndarray:
    """What goes into the last decode of the first batch."""
    request = complete(request)
    with context.models.use(request.model, request.vae, "exact") as sd, ExitStack() as models:
        encoded = encode_prompts(sd, request, context)
        upscale = use_upscaler(request, context)
        start = make_start(request, sd, context, upscale) if request.is_img2img else None
        events = sample_batch(Batch(0, request), Run(request, context, sd, encoded, start), models)
        return returned(events).latent.numpy()


def returned(events):
    """What a generator returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


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
