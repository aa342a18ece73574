"""A thread that comes back, whatever ends it."""

import threading

import pytest

from tests.jobs.fake_work import kill
from webui.jobs.lasting_thread import LastingThread


class Work:
    """Says when it runs, and runs until it is told to end, or raises what it is given."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.runs, self.losses = threading.Semaphore(0), threading.Semaphore(0)
        self.end = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> None:
        self.threads.append(threading.current_thread())
        self.runs.release()
        if self.errors:
            raise self.errors.pop(0)
        while not self.end.wait(0.01):
            pass


@pytest.fixture
def started():
    made = []

    def start(work: Work) -> LastingThread:
        thread = LastingThread("test", work, work.losses.release)
        made.append((thread, work))
        thread.ensure()
        assert work.runs.acquire(timeout=10)
        return thread

    yield start
    for thread, work in made:
        work.end.set()
        thread.join(10)
        assert not work.threads[-1].is_alive()


@pytest.mark.parametrize(
    "error", [KeyError("x"), SystemExit(1), KeyboardInterrupt(), MemoryError()], ids=repr
)
def test_work_that_raises_is_begun_again_on_another_thread(started, error):
    work = Work(error)
    started(work)
    assert work.runs.acquire(timeout=10)
    assert work.losses.acquire(timeout=10)
    first, second = work.threads
    assert first is not second
    assert (first.is_alive(), second.is_alive(), second.name) == (False, True, "test")


def test_a_killed_thread_is_replaced(started):
    work = Work()
    started(work)
    kill(work.threads[0])
    assert work.losses.acquire(timeout=10)
    assert work.runs.acquire(timeout=10)


def test_what_puts_the_loss_in_order_may_fail_too(started):
    work = Work(KeyError("x"))
    work.losses.release = None
    started(work)
    assert work.runs.acquire(timeout=10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_lost_together_with_its_watcher_is_replaced_when_it_is_needed(started):
    work = Work()
    thread = started(work)
    watcher = thread._watcher
    # It waits for the worker's end, and ends with it.
    kill(watcher)
    kill(work.threads[0])
    watcher.join(10)
    thread.ensure()
    assert work.losses.acquire(timeout=10)
    assert work.runs.acquire(timeout=10)


def test_work_that_returns_is_done(started):
    work = Work()
    thread = started(work)
    work.end.set()
    thread.join(10)
    thread.ensure()
    assert not work.runs.acquire(timeout=0.3)
