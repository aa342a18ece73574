"""The moments of a run come in the order in which A1111 calls its own hooks.

What is expected is put together below from A1111's lifecycle of one generation (its names stand on the left
of `OURS`), not from what a run of ours was seen to do.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, get_args

import pytest
from PIL import Image, ImageDraw

from extensions.detailer import plugin as detailer
from extensions.detailer.part import Detailer, DetailerUnit
from tests.extensions.detailer.detector_file import bright_squares
from tests.pipelines.extensions import with_extensions
from tests.pipelines.runs import pictures, request_of
from webui.core.errors import ModelNotFound
from webui.core.events import Event, ImageReady, Phase
from webui.core.request import GenerationRequest
from webui.core.settings import Paths
from webui.diffusion.guidance import combine
from webui.pipelines.generate.generate import generate
from webui.pipelines.img2img.colours import correct_colours, measure_colours
from webui.plugins import hookimpl
from webui.plugins.context import Context
from webui.plugins.moments import Place

# A1111's moment -> ours: a hook, a list of a denoising, a picture's place, a phase or an event that is told.
OURS = {
    "before_process": "change_request",
    "process": "plan_run",
    "init": "Encoding the picture",
    "before_process_batch": "plan_batch",
    "extra networks": "change_networks",
    "conds": "change_texts",
    "process_before_every_sampling": "prepare_denoising",
    "refiner": "before_evaluation",
    "cfg_denoiser": "before_guidance",
    "model": "before_network",
    "cfg_denoised": "after_network",
    "combine": "combine",
    "cfg_after_cfg": "after_guidance",
    "sampler callback": "Progress",
    "upscale": "Upscaling",
    "post_sample": "change_latent",
    "decode": "Decoding",
    "postprocess_batch": "change_batch",
    "sample": "decoded",
    "face restoration": "Restoring faces",
    "postprocess_image": "restored",
    "colour correction": "before_overlay",
    "postprocess_image_after_composite": "composed",
    "save_image": "ImageReady",
    "postprocess": "finish_run",
}
THEIRS = {ours: theirs for theirs, ours in OURS.items()}


class Recorder:
    """Has every hook of a run, notes its call by A1111's name, and gives back what it was given."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.images: dict[str, Image.Image] = {}

    def note(self, ours: str) -> None:
        if ours in THEIRS:
            self.called.append(THEIRS[ours])

    def see(self, event: Event) -> None:
        """What is told, in its place among the hooks. Of a run within a run, the phase is the detail."""
        if isinstance(event, Phase):
            self.note(event.name if event.name in THEIRS else event.detail)
        else:
            self.note(type(event).__name__)

    @hookimpl
    def change_request(self, request):
        self.note("change_request")
        return request

    @hookimpl
    def plan_run(self, plan):
        self.note("plan_run")
        return plan

    @hookimpl
    def plan_batch(self, pictures):
        self.note("plan_batch")
        return pictures

    @hookimpl
    def change_networks(self, choices):
        self.note("change_networks")
        return choices

    @hookimpl
    def change_texts(self, texts):
        self.note("change_texts")
        return texts

    @hookimpl
    def prepare_denoising(self, denoising):
        self.note("prepare_denoising")
        for name in ("before_evaluation", "before_guidance", "before_network", "after_network"):
            getattr(denoising, name).append(self.noting(name))
        denoising.after_guidance.append(lambda result, guided: self.noting("after_guidance")() or result)
        denoising.guidance = replace(
            denoising.guidance, combine=lambda *given: self.noting("combine")() or combine(*given)
        )

    def noting(self, name: str) -> Callable[..., None]:
        return lambda *_: self.note(name)

    @hookimpl
    def change_latent(self, latent):
        self.note("change_latent")
        return latent

    @hookimpl
    def change_batch(self, images):
        self.note("change_batch")
        return images

    @hookimpl
    def change_image(self, image, picture):
        self.note(picture.place)
        self.images[picture.place] = image.copy()
        return image

    @hookimpl
    def finish_run(self, results):
        self.note("finish_run")
        return results


def record(
    request: GenerationRequest, context: Context, *others: object, recorder: Recorder | None = None
) -> tuple[Recorder, list]:
    """What was called for a request, and its pictures. The recorder is called before the others."""
    recorder = recorder or Recorder()
    watched = replace(with_extensions(context, recorder, *others), emit=recorder.see)
    made: list[ImageReady] = []
    for event in generate(request, watched):
        recorder.see(event)
        made += [event] if isinstance(event, ImageReady) else []
    return recorder, made


CONDS = ["extra networks", "conds"]
CALL = ["refiner", "cfg_denoiser", "model", "cfg_denoised", "combine", "cfg_after_cfg"]
COMPOSITE = ["colour correction", "postprocess_image_after_composite"]


def sampling(steps: int) -> list[str]:
    """One pass of a sampler that calls the network once a step."""
    return ["process_before_every_sampling", *[*CALL, "sampler callback"] * steps]


def picture(inside: Iterable[str] = (), *, saved: bool = True) -> list[str]:
    """A picture from the decoder to the disk; `inside` postprocess_image, another run may be."""
    return ["sample", "postprocess_image", *inside, *COMPOSITE, *(["save_image"] if saved else [])]


def batch(passes: list[str], made: list[str]) -> list[str]:
    """One turn of the loop over `n_iter`."""
    ends = ["post_sample", "decode", "postprocess_batch"]
    return ["before_process_batch", *CONDS, *passes, *ends, *made]


def run_of(*batches: list[str], init: bool = False) -> list[str]:
    """The whole of `process_images`."""
    begins = ["before_process", "process", *(["init"] if init else [])]
    return [*begins, *(name for each in batches for name in each), "postprocess"]


@pytest.fixture
def init(context) -> str:
    noise = Image.effect_noise((64, 64), 60).convert("RGB")
    return context.inputs.add_image(noise)


@pytest.fixture
def mask(context) -> str:
    drawn = Image.new("L", (64, 64))
    ImageDraw.Draw(drawn).rectangle((16, 16, 47, 47), fill=255)
    return context.inputs.add_image(drawn)


def test_txt2img(context):
    recorder, _ = record(request_of(steps=3), context)
    assert recorder.called == run_of(batch(sampling(3), picture()))


def test_two_batches_of_two(context):
    recorder, _ = record(request_of(batch_size=2, batch_count=2, steps=2), context)
    one = batch(sampling(2), picture() * 2)
    assert recorder.called == run_of(one, one)


def test_faces_are_restored_before_the_picture_is_seen(context):
    """Without the file of a restorer, the run ends in between."""
    recorder = Recorder()
    with pytest.raises(ModelNotFound, match="restore faces"):
        record(request_of(steps=1, restore_faces=True), context, recorder=recorder)
    whole = run_of(batch(sampling(1), ["sample", "face restoration", *picture()[1:]]))
    assert recorder.called == whole[: whole.index("postprocess_image")]


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_hires(upscaler, context):
    hires = {"scale": 2, "upscaler": upscaler, "steps": 2}
    recorder, _ = record(request_of(steps=3, hires=hires, denoising_strength=0.6), context)
    # Upscalers of pictures need the first pass decoded.
    decoded = [] if upscaler == "Latent" else ["decode"]
    second = [*decoded, "upscale", *CONDS, *sampling(2)]
    assert recorder.called == run_of(batch([*sampling(3), *second], picture()))


def test_img2img(context, init):
    # Of 4 steps at half strength, A1111 makes int(4 * 0.5) and one more.
    recorder, _ = record(request_of(init_images=(init,), steps=4, denoising_strength=0.5), context)
    assert recorder.called == run_of(batch(sampling(3), picture()), init=True)


def test_inpainting(context, init, mask):
    changes = {"init_images": (init,), "inpainting": {"mask": mask}, "denoising_strength": 0.5}
    recorder, _ = record(request_of(batch_count=2, steps=2, **changes), context)
    one = batch(sampling(2), picture())
    assert recorder.called == run_of(one, one, init=True)


def test_colours_are_corrected_after_postprocess_image_and_the_original_put_around_after_that(
    context, init, mask
):
    changes = {"init_images": (init,), "inpainting": {"mask": mask, "mask_blur_x": 0, "mask_blur_y": 0}}
    options = {"img2img_color_correction": True}
    request = request_of(steps=2, denoising_strength=0.5, options=options, **changes)
    recorder, (made,) = record(request, context)
    original = context.inputs.open(init).convert("RGB")
    corrected = correct_colours(recorder.images["restored"], measure_colours(original))
    assert recorder.images["before_overlay"].tobytes() == corrected.tobytes()
    assert corrected.tobytes() != recorder.images["restored"].tobytes()
    around = context.inputs.open(mask).convert("L").point(lambda value: 255 - value)
    whole = Image.composite(original, corrected, around)
    assert recorder.images["composed"].tobytes() == whole.tobytes() == made.image.tobytes()


def test_a_refiner_takes_over_before_the_call_that_is_its_first(context):
    changes = {"refiner": {"model": "tiny-b", "switch_at": 0.5}}
    options = {"refiner_switch_by_sample_steps": True}
    recorder, _ = record(request_of(steps=4, options=options, **changes), context)
    # Networks and prompts are read for the second checkpoint, and no second sampling begins.
    half = [*CALL, "sampler callback"] * 2
    passes = ["process_before_every_sampling", *half, *CONDS, *half]
    assert recorder.called == run_of(batch(passes, picture()))


def test_a_run_within_a_run_is_whole_and_stands_inside_postprocess_image(context, tmp_path):
    (tmp_path / "adetailer").mkdir()
    (tmp_path / "adetailer" / "bright.onnx").write_bytes(bright_squares())
    homes: dict[str, Any] = dict.fromkeys(("root", "data", "models", "embeddings", "starter"), tmp_path)
    context = replace(context, paths=Paths(styles=(), **homes))
    unit = DetailerUnit(model="bright", confidence=0.0, mask_k=1, denoising_strength=0.5)
    part = Detailer(enabled=True, units=(unit, unit))
    request = part.put_into(request_of(steps=2, batch_size=2))
    recorder, made = record(request, context, detailer)
    # Of two steps at half strength, int(2 * 0.5) and one more.
    inner = run_of(batch(sampling(2), picture(saved=False)), init=True)
    assert recorder.called == run_of(batch(sampling(2), picture(inner * 2) * 2))
    assert len(made) == 2


def test_the_recorder_has_every_moment_and_changes_nothing(context, init):
    """Hooks that give back what they were given leave the bytes as they are."""
    request = request_of(init_images=(init,), steps=2, batch_size=2, seed=4)
    recorder, made = record(request, context)
    assert set(OURS) - {*recorder.called} == {"upscale", "face restoration"}
    assert set(get_args(Place)) < {*OURS.values()}
    plain = pictures(generate(request, with_extensions(context)))
    assert [each.image.tobytes() for each in made] == [each.image.tobytes() for each in plain]
    assert [each.infotext for each in made] == [each.infotext for each in plain]


class Covering:
    """Replaces inpainting's overlay at a place, as A1111's postprocess_maskoverlay may."""

    def __init__(self, overlay: Image.Image | None, place: Place = "restored") -> None:
        self.overlay, self.place = overlay, place

    @hookimpl
    def change_image(self, picture):
        if picture.place == self.place:
            picture.overlay = self.overlay


def test_the_overlay_may_be_replaced_before_it_is_laid_on(context, init, mask):
    request = request_of(init_images=(init,), inpainting={"mask": mask}, denoising_strength=0.5, steps=2)
    red = Image.new("RGBA", (64, 64), "red")
    _, (made,) = record(request, context, Covering(red))
    assert made.image.tobytes() == red.convert("RGB").tobytes()
    clear = Image.new("RGBA", (64, 64))
    recorder, (made,) = record(request, context, Covering(clear))
    assert made.image.tobytes() == recorder.images["before_overlay"].tobytes()


@pytest.mark.parametrize(
    ("overlay", "place"), [(Image.new("RGBA", (8, 8), "red"), "restored"), (None, "composed")]
)
def test_an_overlay_that_does_not_fit_or_comes_too_late_changes_nothing(overlay, place, context, init, mask):
    request = request_of(init_images=(init,), inpainting={"mask": mask}, denoising_strength=0.5, steps=2)
    _, (plain,) = record(request, context)
    _, (made,) = record(request, context, Covering(overlay, place))
    assert made.image.tobytes() == plain.image.tobytes()
