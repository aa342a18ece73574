"""The queue with the real worker: memory runs out at each stage, a disk is full, a server is killed."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.pipelines.runs import request_of
from webui.core.errors import StorageError
from webui.core.events import Finished
from webui.core.flags import read_flags
from webui.core.settings import Settings
from webui.core.work.kinds import DecodeRequest
from webui.diffusion.text_encoder import TextEncoder
from webui.jobs.job import Job
from webui.jobs.local_worker import LocalWorker
from webui.jobs.queue import JobQueue
from webui.jobs.saving import PictureSaver
from webui.jobs.services import Services
from webui.models.images.upscalers import Upscalers
from webui.models.loader import CheckpointFile
from webui.models.manager import ModelManager
from webui.models.unet import UNet
from webui.models.vae.vae import Vae
from webui.store.database import IN_MEMORY, Database
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles
from webui.store.pictures.latents import Latents
from webui.store.pictures.unsaved import UnsavedPictures
from webui.store.reading import open_picture

ROOT = Path(__file__).parents[2]
SETTINGS = Settings().changed(
    {"precision": "exact", "save_to_dirs": False, "grid_save": False, "return_grid": False}
)
# Where each stage begins: every one of them is called at least once by a request with hires fix.
STAGES: dict[str, tuple[object, str]] = {
    "make": (ModelManager, "for_machine"),
    "make what upscales": (Upscalers, "__init__"),
    "load": (CheckpointFile, "load"),
    "encode": (TextEncoder, "encode"),
    "step": (UNet, "forward"),
    "decode": (Vae, "decode"),
    "encode a picture": (Vae, "encode"),
    "save": (ImageFiles, "save"),
}
ERRORS = {
    "always": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), 1000),
    "once": (MemoryError(), 1),
}


@pytest.fixture
def latents(tmp_path):
    return Latents(tmp_path / "latents")


@pytest.fixture
def queue(exact_services, latents, tmp_path) -> Iterator[JobQueue]:
    made = make_queue(exact_services, latents, tmp_path)
    yield made
    made.close()


def make_queue(services: Services, latents: Latents, folder: Path) -> JobQueue:
    flags, _ = read_flags(["--precision", "full", "--use-cpu", "all"])

    def make() -> LocalWorker:
        return LocalWorker(services.catalog, services.inputs, latents, flags, "Atelier test")

    saver = PictureSaver(
        ImageFiles(folder), History(Database(IN_MEMORY)), UnsavedPictures(folder / "unsaved")
    )
    return JobQueue(make, saver, latents=latents, scratch=folder)


def finish(queue: JobQueue, **changes: object) -> tuple[Job, Finished]:
    job = queue.submit(
        request_of(steps=2, hires={"scale": 2, "upscaler": "Lanczos"}, **changes), settings=SETTINGS
    )
    ended = job.wait(120)
    assert ended is not None
    return job, ended


def pixels(job: Job) -> np.ndarray:
    (picture,) = job.saved()
    return np.asarray(open_picture(Path(picture.path)))


@pytest.fixture(scope="module")
def undisturbed(exact_services, tmp_path_factory) -> np.ndarray:
    """The picture of a job that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    queue = make_queue(exact_services, Latents(folder / "latents"), folder)
    queue.start()
    try:
        return pixels(finish(queue)[0])
    finally:
        queue.close()


def failing(function: Callable, error: Exception, times: int) -> Callable:
    """The function, but the first so many calls raise."""
    calls = []

    def call(*given, **named):
        calls.append(1)
        if len(calls) <= times:
            raise error
        return function(*given, **named)

    return call


@pytest.mark.slow
@pytest.mark.parametrize("when", ERRORS)
@pytest.mark.parametrize("stage", STAGES)
def test_after_a_lack_of_memory_at_any_stage_the_next_job_gives_the_same_picture(
    queue, undisturbed, monkeypatch, stage, when
):
    place, name = STAGES[stage]
    error, times = ERRORS[when]
    with monkeypatch.context() as patch:
        patch.setattr(place, name, failing(getattr(place, name), error, times))
        queue.start()
        job, ended = finish(queue)
    if ended.outcome == "failed":
        assert "memory" in ended.error
        assert ended.error_kind == "OutOfMemory"
        assert "program is at fault" not in ended.error
    else:
        # Where there is a way with less memory, it was found.
        assert when == "once" or job.messages()
    after, ended = finish(queue)
    assert ended.outcome == "done", ended.error
    assert np.array_equal(pixels(after), undisturbed)


@pytest.mark.slow
def test_what_a_full_disk_did_not_take_is_shown_and_decoded_later(queue, latents, monkeypatch):
    queue.start()
    with monkeypatch.context() as patch:
        refusal = StorageError("Cannot write outputs: the disk is full.")
        patch.setattr(ImageFiles, "save", failing(ImageFiles.save, refusal, 1000))
        job = queue.submit(request_of(steps=2, batch_size=3), settings=SETTINGS)
        ended = job.wait(120)
    assert (ended.outcome, ended.error) == ("done", None)
    assert "the disk is full" in job.messages()[0].text
    # Every one is shown all the same.
    assert [picture.path for picture in job.saved()] == [""] * 3
    (left,) = latents.unfinished()
    assert left.left == 3
    again = queue.submit(DecodeRequest(latent=left.id, generation=job.request), settings=SETTINGS)
    assert again.wait(120).outcome == "done"
    assert len(again.saved()) == 3
    assert latents.unfinished() == ()


SERVER = """
import sys, time
from pathlib import Path
from PIL import Image
from tests.store.pictures.test_latents import MANY, batch
from webui.core.events import ImageReady, ImageSaved
from webui.core.request import GenerationRequest
from webui.jobs.queue import JobQueue
from webui.store.pictures.latents import Latents

latents = Latents(Path(sys.argv[1]))

class Worker:
    def run(self, request, settings, stop, emit=None):
        with latents.store(batch(3), MANY) as kept:
            for index in range(3):
                image = Image.new("L", (8, 8))
                yield ImageReady(
                    index=index, image=image, infotext="", seed=0, variation_seed=0, latent=kept.id
                )
                kept.done()

class Saver:
    def save(self, ready, job):
        if ready.index == 1:
            # The first is counted, all are made, the second is not written yet.
            print("saving", flush=True)
            time.sleep(100)
        return ()
    def save_grid(self, pictures, job):
        return ()

queue = JobQueue(Worker, Saver(), latents=latents)
queue.start()
queue.submit(GenerationRequest()).wait()
"""


def test_a_killed_server_offers_what_its_saver_had_not_written(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path / "latents")], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"saving\n"
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    assert [file.left for file in Latents(tmp_path / "latents").unfinished()] == [2]
