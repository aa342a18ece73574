"""A worker that makes one grey picture for each request, once it is let go, and a server with it."""

import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from PIL import Image

from webui.core.events import Event, ImageReady, Progress
from webui.core.flags import read_flags
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work.kinds import WorkRequest
from webui.jobs.queue import JobQueue
from webui.jobs.saving import PictureSaver
from webui.jobs.services import Services
from webui.library.fetch.sites import Sites
from webui.main import build_services

ROOT = Path(__file__).resolve().parents[2]


class HeldWorker:
    """Stays in its first step until `release` is set or the job is stopped. Needs no torch."""

    def __init__(self, *, held: bool = True) -> None:
        self.release = threading.Event()
        if not held:
            self.release.set()

    def run(self, request: WorkRequest, settings: Settings, stop: Stop, emit=None) -> Generator[Event]:
        """A picture of the size that was asked for, as often as it was asked for."""
        yield Progress(step=1, steps=10, batch=0, batches=1, sampling_step=1, sampling_steps=10)
        while not self.release.wait(0.005) and not stop.ends_batch:
            pass
        if isinstance(request, GenerationRequest):
            for index in range(request.count):
                size = (request.width, request.height)
                yield ImageReady(
                    index=index,
                    image=Image.new("RGB", size, "grey"),
                    infotext=f"{request.prompt}\nSteps: {request.steps}, Seed: {request.seed}, Size: 64x64",
                    seed=request.seed_of(index),
                    variation_seed=0,
                )


def services_with(worker: HeldWorker, folder: Path, *flags: str, sites: Sites | None = None) -> Services:
    """Services on an empty folder and the bundled checkpoint, whose queue has this worker."""
    services = build_services(read_flags(["--data-dir", str(folder), "--nowebui", *flags])[0], ROOT, sites)
    return replace(services, jobs=JobQueue(lambda: worker, PictureSaver(services.files, services.history)))
