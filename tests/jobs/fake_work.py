"""A worker that only counts steps, and a saver that saves nothing: for what the queue itself does."""

import ctypes
import threading
from collections.abc import Iterable, Iterator

from PIL import Image

from webui.core.errors import InvalidRequest
from webui.core.events import Event, ImageReady, ImageSaved, Progress
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.job import Job

REQUEST = GenerationRequest(steps=5, batch_count=2)


class Steps:
    """A worker that counts steps and makes a grey picture a batch; it waits for `go` before each step."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(1000)
        self.closed: list[str] = []
        self.thread = threading.current_thread().name

    def run(self, request: GenerationRequest, settings: Settings, stop: Stop, emit=None) -> Iterator[Event]:
        if request.prompt == "refuse":
            raise InvalidRequest("No.")
        if request.prompt == "break":
            raise ZeroDivisionError("broken")
        try:
            for batch in range(request.batch_count):
                stop.take_skip()
                yield from self.batch(batch, request, stop)
                if stop.is_stopped:
                    return
        finally:
            self.closed.append(request.prompt)

    def batch(self, batch: int, request: GenerationRequest, stop: Stop) -> Iterator[Event]:
        for step in range(1, request.steps + 1):
            self.go.acquire()
            at = {
                "batch": batch,
                "batches": request.batch_count,
                "sampling_step": step,
                "sampling_steps": request.steps,
            }
            yield Progress(step=batch * request.steps + step, steps=request.steps * request.batch_count, **at)
            if stop.ends_batch:
                break
        yield ImageReady(
            index=batch,
            image=Image.new("RGB", (8, 8)),
            infotext=f"{step} steps",
            seed=batch,
            variation_seed=0,
        )


class Saver:
    def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
        size = {"width": 8, "height": 8}
        yield ImageSaved(
            index=ready.index, path="", infotext=ready.infotext, seed=0, variation_seed=0, **size
        )

    def save_grid(self, pictures: Iterable[ImageReady], job: Job) -> Iterable[Event]:
        return ()


def hold(worker: Steps, steps: int) -> None:
    """Let only so many steps run from now on."""
    worker.go = threading.Semaphore(steps)


def reach(job: Job, step: int) -> None:
    for event in job.events():
        if isinstance(event, Progress) and event.step >= step:
            return


def kill(thread: threading.Thread) -> None:
    """End a thread from outside, as soon as it runs Python again."""
    found = ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    )
    assert found == 1


class Unspeakable(RuntimeError):
    """An error that cannot even be told, so that it gets past every job's edge."""

    def __str__(self) -> str:
        raise ZeroDivisionError
