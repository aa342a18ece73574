"""From a picture of the gallery to more work on it."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from webui.core.errors import InvalidRequest, NotFound
from webui.core.events import ImageSaved
from webui.core.request import GenerationRequest
from webui.core.request_infotext import PictureFacts, format_infotext
from webui.core.work.kinds import DecodeRequest
from webui.jobs.job import Delivery, GalleryContext, Job
from webui.store.pictures.latents import FinishedBatch, KeepLimits
from webui.ui.generation import FORM_DEFAULTS
from webui.ui.tabs.again_buttons import offer_html
from webui.ui.watching.gallery_requests import (
    beside,
    chosen,
    decode_request,
    hires_request,
    request_of_picture,
    rest_request,
    unfinished,
)
from webui.ui.watching.job_view import ShownPicture, generation_info, shown_picture, view_of
from webui.ui.watching.pictures import PictureFiles

REQUEST = GenerationRequest(
    prompt="a fox", seed=7, batch_size=2, batch_count=2, variation_strength=0.2, variation_seed=30
)


@pytest.fixture
def job(services):
    """A job in the queue, whose thread does not run."""
    job = services.submit(REQUEST, Delivery("txt2img"))
    yield job
    services.jobs.cancel(job)


@pytest.fixture
def picture(services, job, tmp_path):
    """The third picture of the job, 72x56, on disk."""
    path = tmp_path / "00002-7.png"
    Image.new("RGB", (72, 56), "red").save(path)
    services.pictures.add(path)
    return with_picture(job, path, index=2)


def with_picture(job: Job, path: Path, *, index: int, latent: str = "") -> ShownPicture:
    """Tell the job of a picture, and look at it in its gallery."""
    text = format_infotext(REQUEST, max(index, 0), PictureFacts())
    seeds = {"seed": REQUEST.seed_of(index), "variation_seed": REQUEST.variation_seed_of(index)}
    size = {"width": 72, "height": 56}
    job.append(ImageSaved(index=index, path=str(path), infotext=text, latent=latent, **seeds, **size))
    view = view_of(job, 0)
    shown = shown_picture(
        generation_info(view, [each.path for each in view.pictures]), len(view.pictures) - 1
    )
    assert shown is not None
    return shown


def finished_batch() -> FinishedBatch:
    return FinishedBatch(REQUEST, 2, (2, 4, 1, 1), bytes(32), "m", PictureFacts())


def keep(services, *, done: int) -> str:
    with services.latents.store(finished_batch(), KeepLimits(100, 10**9)) as kept:
        for _ in range(done):
            kept.done()
        return kept.id


def test_hires_fix_keeps_seed_and_prompt_and_starts_from_the_picture(services, picture):
    fields = FORM_DEFAULTS | {"prompt": "another", "hires_scale": 1.5, "hires_upscaler": "Lanczos"}
    request = hires_request(services, picture, fields | {"denoising_strength": 0.4})
    assert (request.prompt, request.count) == ("a fox", 1)
    assert (request.seed_of(0), request.variation_seed_of(0)) == (7, 32)
    assert (request.width, request.height, request.denoising_strength) == (72, 56, 0.4)
    assert request.hires is not None
    assert (request.hires.upscaler, request.hires.scale) == ("Lanczos", 1.5)
    assert request.hires.first_pass is not None
    assert services.inputs.open(request.hires.first_pass).size == (72, 56)


def test_hires_fix_reads_no_file_that_was_not_written_here(services, picture, tmp_path):
    foreign = tmp_path / "foreign.png"
    Image.new("RGB", (72, 56)).save(foreign)
    with pytest.raises(NotFound, match="neither a picture"):
        hires_request(services, replace(picture, path=str(foreign)), FORM_DEFAULTS)


def test_hires_fix_does_not_ask_whether_the_accordion_is_open(services, picture):
    assert hires_request(services, picture, FORM_DEFAULTS | {"hires": False}).hires is not None


def test_a_picture_of_an_earlier_job_has_its_request_from_the_history(services, picture):
    other = replace(picture, infotext="a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64")
    assert request_of_picture(services, other).prompt == "a cat"
    services.history.add(Path(other.path), other.infotext, request=REQUEST)
    assert request_of_picture(services, other) == REQUEST


def test_a_grid_and_nothing_are_no_picture(picture):
    with pytest.raises(InvalidRequest, match="grid"):
        chosen(replace(picture, index=-1))
    with pytest.raises(NotFound, match="Generate one first"):
        chosen(None)


def test_decoding_again_asks_for_the_latent_with_the_vae(services, job):
    latent = keep(services, done=2)
    shown = with_picture(job, Path("x.png"), index=3, latent=latent)
    request = decode_request(services, shown, "soft.safetensors")
    assert (request.latent, request.indexes, request.vae) == (latent, (3,), "soft.safetensors")
    assert request.generation == REQUEST.model_copy(update={"vae": "soft.safetensors"})


def test_a_picture_without_a_latent_cannot_be_decoded_again(services, picture):
    with pytest.raises(NotFound, match="no latent"):
        decode_request(services, picture, "Automatic")


def test_results_appear_beside_the_pictures_that_were_there(services, job, picture, tmp_path):
    files = PictureFiles(tmp_path / "unsaved", services.pictures)
    kept = beside(services, files, picture, 0)
    assert [shown.path for shown in kept.pictures] == [picture.path]
    after = Job(REQUEST, Delivery("txt2img", earlier=kept))
    assert view_of(after, 0).newest == 0
    with_picture(after, Path("new.png"), index=0)
    view = view_of(after, 0)
    assert [shown.path for shown in view.pictures] == [picture.path, "new.png"]
    assert view.newest == 1


def test_until_there_is_a_result_the_chosen_picture_stays_chosen(job, picture):
    waiting = Job(REQUEST, Delivery(earlier=GalleryContext(job.saved() * 3, chosen=2)))
    assert view_of(waiting, 0).newest == 2


def test_what_was_never_saved_is_offered_until_somebody_decodes_it(services):
    keep(services, done=2)
    half = keep(services, done=1)
    assert [file.id for file in unfinished(services)] == [half]
    request = rest_request(unfinished(services)[0], services.latents.open(half))
    assert request == DecodeRequest(latent=half, generation=REQUEST, vae=REQUEST.vae, indexes=(3,))
    job = services.submit(request)
    assert unfinished(services) == ()
    services.jobs.cancel(job)
    services.latents.settle(half)
    assert unfinished(services) == ()


def test_the_offer_counts_pictures():
    assert offer_html(0) == ""
    assert "1 picture was" in offer_html(1)
    assert "3 pictures were" in offer_html(3)
