"""Extensions put functions of their own around a run, its start and its sampling."""

from dataclasses import replace

import pytest
from PIL import Image

from tests.pipelines.extensions import with_extensions
from tests.pipelines.runs import pictures, request_of
from webui.core.events import Message, Progress
from webui.core.stop import Stop
from webui.pipelines.generate.generate import generate
from webui.plugins import hookimpl


def bytes_of(request, context, *extensions) -> list[bytes]:
    made = pictures(generate(request, with_extensions(context, *extensions)))
    return [each.image.tobytes() for each in made if not each.aside]


class Sampling:
    """Calls what it wraps, then changes the latent by a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    @hookimpl
    def wrap_sampling(self, sample):
        return lambda: sample() * self.factor


class Latents:
    @hookimpl
    def change_latent(self, latent):
        return latent * 0.5


HIRES = {"hires": {"scale": 2, "upscaler": "Lanczos", "steps": 2}, "denoising_strength": 0.6}


@pytest.mark.parametrize("changes", [{"batch_size": 2, "batch_count": 2}, HIRES, {"sampler": "Euler a"}])
def test_a_wrapped_sampling_gives_the_same_bytes_and_tells_its_steps(changes, context):
    request = request_of(seed=5, **changes)
    assert bytes_of(request, context, Sampling()) == bytes_of(request, context)
    wrapped = with_extensions(context, Sampling())
    list(generate(request, wrapped))
    plain = [each for each in generate(request, with_extensions(context)) if isinstance(each, Progress)]
    assert [each for each in wrapped.emit.__self__ if isinstance(each, Progress)] == plain


def test_what_a_wrapped_sampling_returns_is_decoded(context):
    request = request_of(seed=5)
    assert bytes_of(request, context, Sampling(0.5)) == bytes_of(request, context, Latents())
    assert bytes_of(request, context, Sampling(0.5)) != bytes_of(request, context)


def test_pictures_before_hires_fix_are_saved_though_the_sampling_is_wrapped(context):
    settings = context.settings.changed({"save_images_before_highres_fix": True})
    made = pictures(
        generate(request_of(**HIRES), with_extensions(replace(context, settings=settings), Sampling()))
    )
    assert [each.aside for each in made] == ["-before-highres-fix", ""]


def test_a_cancelled_job_leaves_a_wrapped_sampling_which_catches_everything(context):
    class Careless:
        @hookimpl
        def wrap_sampling(self, sample):
            def careless():
                try:
                    return sample()
                except Exception:  # noqa: BLE001 - as strangers' code does
                    raise AssertionError from None

            return careless

    stop = Stop()
    stop.cancel()
    assert bytes_of(request_of(), replace(context, stop=stop), Careless()) == []


class Start:
    """img2img from another picture."""

    def __init__(self, reference: str) -> None:
        self.reference = reference

    @hookimpl
    def wrap_start(self, make):
        return lambda request: make(request.model_copy(update={"init_images": (self.reference,)}))


def test_img2img_may_start_from_another_picture(context):
    one, two = (context.inputs.add_image(Image.new("RGB", (64, 64), colour)) for colour in ("red", "blue"))
    request = request_of(init_images=(one,), denoising_strength=0.5)
    other = request_of(init_images=(two,), denoising_strength=0.5)
    assert bytes_of(request, context, Start(two)) == bytes_of(other, context) != bytes_of(request, context)


class Planned:
    @hookimpl
    def change_planned(self, request):
        return request.model_copy(update={"steps": 2})


class Twice:
    @hookimpl
    def wrap_run(self, recipe):
        def run(request, context):
            yield from recipe(request, context)
            yield from recipe(request.model_copy(update={"seed": request.seed + 1}), context)

        return run


def test_the_planned_request_and_the_run_may_be_others(context):
    request = request_of(seed=3)
    quick = bytes_of(request_of(seed=3, steps=2), context)
    assert bytes_of(request, context, Planned()) == quick != bytes_of(request, context)
    both = bytes_of(request, context) + bytes_of(request_of(seed=4), context)
    assert bytes_of(request, context, Twice()) == both


class Wrong:
    """Gives what cannot be used, everywhere."""

    @hookimpl
    def wrap_run(self):
        return 1

    @hookimpl
    def wrap_sampling(self):
        return "a"

    @hookimpl
    def change_planned(self):
        return {}


def test_what_is_no_function_is_told_and_left(context):
    watched = with_extensions(context, Wrong())
    made = pictures(generate(request_of(), watched))
    assert [each.image.tobytes() for each in made] == bytes_of(request_of(), context)
    told = [each.text for each in watched.emit.__self__ if isinstance(each, Message)]
    assert len(told) == 3
    assert all("'extension 0' failed" in each for each in told)
