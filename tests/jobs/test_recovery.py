"""Whatever breaks while a worker is made, while a job runs, or while it is saved: the next job works."""

import threading
from collections.abc import Callable, Iterable, Iterator

import pytest
import torch

from tests.jobs.fake_work import REQUEST, Saver, Steps, Unspeakable, hold, kill, reach
from webui.core.errors import InvalidRequest, OutOfMemory, StorageError, WebuiError
from webui.core.events import Event, Finished, ImageReady, ImageSaved
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue

ERRORS = [
    ImportError("libcudart.so.12: cannot open shared object file"),
    RuntimeError("CUDA driver initialization failed"),
    KeyError("model.diffusion_model.out.2.weight"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError("CUDA error: device-side assert triggered"),
    MemoryError(),
    SystemExit(1),
    KeyboardInterrupt(),
    RecursionError(),
    OutOfMemory("Too large."),
    InvalidRequest("There is no device."),
]
errors = pytest.mark.parametrize("error", ERRORS, ids=repr)


class Breaking(Steps):
    """Raises what it is given in the middle of the job whose prompt says so."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def run(self, request: GenerationRequest, settings: Settings, stop: Stop, emit=None) -> Iterator[Event]:
        for event in super().run(request, settings, stop):
            yield event
            if request.prompt == "raise" and isinstance(event, ImageReady):
                raise self.error


@pytest.fixture
def start():
    made = []

    def start(make_worker: Callable[[], Steps], saver: Saver | None = None) -> JobQueue:
        made.append(JobQueue(make_worker, saver or Saver()))
        made[-1].start()
        return made[-1]

    yield start
    for queue in made:
        queue.close()


def finish(queue: JobQueue, prompt: str = "") -> Finished:
    ended = queue.submit(REQUEST.model_copy(update={"prompt": prompt})).wait(20)
    assert ended is not None
    return ended


def assert_said(ended: Finished) -> None:
    assert ended.outcome == "failed"
    assert len(ended.error) > 3
    assert ended.error.endswith((".", "saved"))


@errors
def test_an_error_while_the_worker_is_made_is_told_and_the_next_job_tries_again(start, error):
    tries = []

    def make() -> Steps:
        tries.append(threading.current_thread())
        if len(tries) <= 2:
            raise error
        return Steps()

    queue = start(make)
    assert_said(finish(queue))
    assert finish(queue).outcome == "done"
    # No job was lost, and neither was the thread.
    assert len(tries) == 3
    assert len(set(tries)) == 1


@errors
def test_an_error_in_the_middle_of_a_job_is_told_and_the_next_job_works(start, error):
    workers = []

    def make() -> Steps:
        workers.append(Breaking(error))
        return workers[-1]

    queue = start(make)
    assert_said(finish(queue, "raise"))
    assert workers[0].closed == ["raise"]
    assert finish(queue).outcome == "done"


@pytest.mark.parametrize(
    ("error", "makes_anew"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (SystemExit(1), True),
        (InvalidRequest("No."), False),
        (ZeroDivisionError("broken"), False),
    ],
    ids=repr,
)
def test_a_worker_that_cannot_be_trusted_any_more_is_made_anew(start, error, makes_anew):
    workers = []

    def make() -> Steps:
        workers.append(Breaking(error))
        return workers[-1]

    queue = start(make)
    finish(queue, "raise")
    finish(queue)
    assert len(workers) == (2 if makes_anew else 1)


def test_an_error_that_gets_past_every_edge_ends_the_thread_and_another_takes_its_place(start):
    threads = []

    def make() -> Steps:
        threads.append(threading.current_thread())
        return Breaking(Unspeakable())

    queue = start(make)
    lost = finish(queue, "raise")
    assert "was lost" in lost.error
    assert finish(queue).outcome == "done"
    first, second = threads
    assert (first.is_alive(), second.is_alive()) == (False, True)


def test_a_device_thread_killed_while_idle_takes_no_job_with_it(start):
    threads = []

    def make() -> Steps:
        threads.append(threading.current_thread())
        return Steps()

    queue = start(make)
    assert finish(queue).outcome == "done"
    kill(threads[0])
    assert [finish(queue).outcome for _ in range(3)] == ["done"] * 3
    assert not threads[0].is_alive()


def test_a_device_thread_killed_in_a_job_ends_the_job_and_the_next_one_works(start):
    workers, threads = [Steps(), Steps()], []

    def make() -> Steps:
        threads.append(threading.current_thread())
        return workers[len(threads) - 1]

    hold(workers[0], 1)
    queue = start(make)
    job = queue.submit(REQUEST)
    reach(job, 1)
    kill(threads[0])
    workers[0].go.release(100)
    assert_said(job.wait(20))
    assert finish(queue).outcome == "done"
    assert queue.running() is None


class BreakingSaver(Saver):
    """Raises what it is given for the job whose prompt says so: for a picture, or for the grid."""

    def __init__(self, error: BaseException, *, tells_first: bool = True) -> None:
        self.error, self.tells_first = error, tells_first
        self.saved: list[str] = []

    def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
        breaks = job.request.prompt == "picture" and ready.index == 0
        if self.tells_first or not breaks:
            yield from super().save(ready, job)
        if breaks:
            raise self.error
        self.saved.append(job.request.prompt)

    def save_grid(self, pictures: Iterable[ImageReady], job: Job) -> Iterable[Event]:
        if job.request.prompt == "grid":
            raise self.error
        return ()


@pytest.mark.parametrize("error", [*ERRORS, StorageError("Cannot write x: the disk is full.")], ids=repr)
@pytest.mark.parametrize("is_told", [True, False])
def test_a_picture_that_cannot_be_saved_costs_no_job_and_is_kept(start, error, is_told):
    saver = BreakingSaver(error, tells_first=is_told)
    queue = start(Steps, saver)
    job = queue.submit(REQUEST.model_copy(update={"prompt": "picture"}), Delivery(keep_images=True))
    assert job.wait(20).outcome == "done"
    assert [picture.index for picture in job.saved()] == [0, 1]
    assert [event.index for event in job.log() if isinstance(event, ImageReady)] == [0, 1]
    (message,) = job.messages()
    assert message.text.startswith("A picture could not be saved")
    assert message.text.endswith("You get it all the same: download it, as it lies in no folder.")
    if isinstance(error, WebuiError):
        assert str(error) in message.text
    assert finish(queue).outcome == "done"
    assert saver.saved == ["picture", "", ""]


class FullDisk(Saver):
    """Can write nothing at all: neither into the folder nor for the page."""

    def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
        raise StorageError("Cannot write x: the disk is full.")


def test_a_job_whose_pictures_can_be_kept_nowhere_ends_before_the_memory_does(start, monkeypatch):
    monkeypatch.setattr("webui.jobs.saver_thread.MOST_HELD_PIXELS", 3 * 8 * 8)
    worker = Steps()
    hold(worker, 5)
    queue = start(lambda: worker, FullDisk())
    job = queue.submit(REQUEST.model_copy(update={"batch_count": 100}))
    for event in job.events():
        if isinstance(event, ImageSaved):
            break
    worker.go.release(500)
    ended = job.wait(20)
    assert_said(ended)
    assert "disk is full" in ended.error
    # What was handed over before that was known is shown, and no more.
    assert 4 <= len(job.saved()) <= 14
    assert job.messages()[-1].text == f"{len(job.saved())} pictures could not be saved."


@pytest.mark.parametrize("error", [*ERRORS, Unspeakable()], ids=lambda error: type(error).__name__)
def test_a_grid_that_cannot_be_made_costs_no_picture(start, error):
    queue = start(Steps, BreakingSaver(error))
    job = queue.submit(REQUEST.model_copy(update={"prompt": "grid"}))
    assert job.wait(20).outcome == "done"
    assert len(job.saved()) == 2
    assert finish(queue).outcome == "done"


def test_a_saver_thread_that_is_lost_is_replaced(start):
    queue = start(Steps, BreakingSaver(Unspeakable()))
    job = queue.submit(REQUEST.model_copy(update={"prompt": "picture"}))
    assert job.wait(20).outcome == "done"
    assert "saves pictures was lost" in job.messages()[0].text
    assert len(job.saved()) == 2
    assert finish(queue).outcome == "done"


def test_a_saver_thread_killed_while_idle_loses_nothing(start):
    threads = []

    class Noting(Saver):
        def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
            threads.append(threading.current_thread())
            return super().save(ready, job)

    queue = start(Steps, Noting())
    assert finish(queue).outcome == "done"
    kill(threads[0])
    assert [finish(queue).outcome for _ in range(3)] == ["done"] * 3
    assert not threads[0].is_alive()


def test_a_listener_that_fails_ends_no_job(start):
    queue = start(Steps)

    def fail(event: Event) -> None:
        raise ZeroDivisionError

    job = queue.submit(REQUEST)
    job.listen(fail)
    assert job.wait(20).outcome == "done"
