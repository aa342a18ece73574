"""The queue: order, three ways to end early, and jobs that break."""

import threading

import pytest

from tests.jobs.fake_work import REQUEST, Saver, Steps, hold, reach
from webui.core.errors import InvalidRequest, NotFound, WebuiError
from webui.core.events import Queued
from webui.jobs.job import Job
from webui.jobs.queue import JobQueue


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
