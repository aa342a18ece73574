"""The queue: order, three ways to end early, and jobs that break."""

import threading
from collections.abc import Iterable, Iterator

import pytest
from PIL import Image

from webui.core.errors import InvalidRequest, NotFound, WebuiError
from webui.core.events import Event, ImageReady, ImageSaved, Progress, Queued
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.job import Job
from webui.jobs.queue import JobQueue

REQUEST = GenerationRequest(steps=5, batch_count=2)


class Steps:
    """A worker that counts steps and makes a grey picture a batch; it waits for `go` before each step."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(1000)
        self.closed: list[str] = []
        self.thread = threading.current_thread().name

    def run(self, request: GenerationRequest, settings: Settings, stop: Stop) -> Iterator[Event]:
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

    def save_grid(self, pictures: list[ImageReady], job: Job) -> Iterable[Event]:
        return ()


@pytest.fixture
def worker():
    return Steps()


@pytest.fixture
def queue(worker):
    made = JobQueue(lambda: worker, Saver())
    made.start()
    yield made
    worker.go.release(10_000)
    made.close()


def hold(worker: Steps, steps: int) -> None:
    """Let only so many steps run from now on."""
    worker.go = threading.Semaphore(steps)


def reach(job: Job, step: int) -> None:
    for event in job.events():
        if isinstance(event, Progress) and event.step >= step:
            return


def infotexts(job: Job) -> list[str]:
    return [picture.infotext for picture in job.saved()]


def test_jobs_run_one_after_another_in_their_order(queue, worker):
    jobs = [queue.submit(REQUEST.model_copy(update={"prompt": str(number)})) for number in range(3)]
    assert [job.wait(10).outcome for job in jobs] == ["done"] * 3
    assert worker.closed == ["0", "1", "2"]


def test_the_worker_is_made_on_the_device_thread():
    names = []
    queue = JobQueue(
        lambda: names.append(threading.current_thread().name) or Steps(), Saver(), name="device-7"
    )
    queue.start()
    queue.submit(REQUEST).wait(10)
    queue.close()
    assert names == ["device-7"]


def test_a_waiting_job_knows_its_place_and_can_be_dropped(queue, worker):
    hold(worker, 1)
    first, second, third = (queue.submit(REQUEST) for _ in range(3))
    reach(first, 1)
    assert Queued(position=2) in third.log()
    queue.cancel(second)
    assert second.state == "cancelled"
    assert Queued(position=1) in third.log()
    worker.go.release(100)
    assert third.wait(10).outcome == "done"


def test_stop_keeps_what_is_there_and_ends(queue, worker):
    hold(worker, 2)
    job = queue.submit(REQUEST)
    reach(job, 2)
    queue.interrupt()
    worker.go.release(100)
    assert job.wait(10).outcome == "stopped"
    assert infotexts(job) == ["3 steps"]


def test_skip_ends_one_batch_and_goes_on_with_the_next(queue, worker):
    hold(worker, 2)
    job = queue.submit(REQUEST)
    reach(job, 2)
    queue.skip()
    worker.go.release(100)
    assert job.wait(10).outcome == "done"
    assert infotexts(job) == ["3 steps", "5 steps"]


def test_cancel_drops_the_unfinished_picture_and_closes_the_recipe(queue, worker):
    hold(worker, 2)
    job = queue.submit(REQUEST)
    reach(job, 2)
    queue.cancel(job)
    worker.go.release(100)
    assert job.wait(10).outcome == "cancelled"
    assert infotexts(job) == []
    assert worker.closed == [""]


@pytest.mark.parametrize(("prompt", "sentence"), [("refuse", "No."), ("break", "ZeroDivisionError: broken")])
def test_a_job_that_fails_says_why_and_the_next_one_runs(queue, prompt, sentence):
    failed = queue.submit(REQUEST.model_copy(update={"prompt": prompt})).wait(10)
    assert failed.outcome == "failed"
    assert failed.error.startswith(sentence)
    assert queue.submit(REQUEST).wait(10).outcome == "done"


def test_a_worker_that_cannot_be_made_at_once_is_tried_again_for_a_job():
    tries = []

    def make() -> Steps:
        tries.append(1)
        if len(tries) == 1:
            raise InvalidRequest("The device is busy.")
        return Steps()

    queue = JobQueue(make, Saver())
    queue.start()
    assert queue.submit(REQUEST).wait(10).outcome == "done"
    assert len(tries) == 2
    queue.close()


def test_a_reloaded_page_finds_the_running_job_and_later_its_pictures(queue, worker):
    hold(worker, 1)
    job = queue.submit(REQUEST)
    reach(job, 1)
    assert queue.recent("txt2img") is job
    worker.go.release(100)
    job.wait(10)
    assert queue.recent("txt2img") is job
    assert queue.recent("img2img") is None
    assert queue.find(job.id) is job
    with pytest.raises(NotFound):
        queue.find("none")


def test_closing_cancels_what_runs_and_what_waits(queue, worker):
    hold(worker, 1)
    running, waiting = queue.submit(REQUEST), queue.submit(REQUEST)
    reach(running, 1)
    closer = threading.Thread(target=queue.close)
    closer.start()
    worker.go.release(100)
    closer.join(10)
    assert (running.wait(5).outcome, waiting.wait(5).outcome) == ("cancelled", "cancelled")
    with pytest.raises(WebuiError):
        queue.submit(REQUEST)


def test_a_device_that_is_not_there_is_told_to_each_job():
    def make() -> Steps:
        raise InvalidRequest("There is no device.")

    queue = JobQueue(make, Saver())
    queue.start()
    assert [queue.submit(REQUEST).wait(10).error for _ in range(2)] == ["There is no device."] * 2
    queue.close()
