"""Who may stop whose job."""

import threading

import pytest

from tests.jobs.fake_work import REQUEST, Saver, Steps, reach
from webui.core.errors import NotFound
from webui.core.events import ImageSaved
from webui.jobs.job import Delivery, GalleryContext, Job
from webui.jobs.ownership import NotYourJob, may_command, owner_name
from webui.jobs.queue import JobQueue
from webui.jobs.saving import find_shown_folders

ANNA, BEN = owner_name("anna", "1"), owner_name(None, "2")


@pytest.fixture
def worker():
    made = Steps()
    made.go = threading.Semaphore(1)
    return made


@pytest.fixture
def queue(worker):
    made = JobQueue(lambda: worker, Saver())
    made.start()
    yield made
    worker.go.release(10_000)
    made.close()


def job_of(owner: str) -> Job:
    return Job(REQUEST, Delivery(owner=owner))


def test_who_logged_in_is_the_same_in_every_browser():
    assert owner_name("anna", "1") == owner_name("anna", "2") != owner_name("ben", "1")
    assert owner_name(None, "1") != owner_name(None, "2")
    assert owner_name("", "anna") != owner_name("anna", "")
    assert owner_name(None, "") == ""


def test_a_page_acts_on_its_owners_jobs_and_the_api_on_all():
    assert may_command(ANNA, job_of(ANNA))
    assert not may_command(BEN, job_of(ANNA))
    assert not may_command(BEN, job_of(""))
    assert not may_command("", job_of(""))
    assert all(may_command(None, job_of(owner)) for owner in (ANNA, BEN, ""))


def test_who_logged_in_sees_no_jobs_of_others(queue, worker):
    job = queue.submit(REQUEST, Delivery(tab="txt2img", owner=BEN))
    reach(job, 1)
    assert queue.recent("txt2img", ANNA) is None
    assert queue.recent("txt2img", owner_name(None, "3")) is job
    assert queue.recent("txt2img") is job


def test_buttons_leave_the_running_job_of_another_alone(queue, worker):
    job = queue.submit(REQUEST, Delivery(owner=ANNA))
    reach(job, 1)
    queue.interrupt(asker=BEN)
    queue.skip(asker=BEN)
    assert not job.halt.ends_batch
    with pytest.raises(NotYourJob, match="somebody else"):
        queue.cancel(job, BEN)
    with pytest.raises(NotYourJob):
        queue.interrupt(job.id, BEN)
    with pytest.raises(NotYourJob):
        queue.skip(job.id, BEN)
    assert not job.halt.ends_batch
    worker.go.release(100)
    assert job.wait(10).outcome == "done"


@pytest.mark.parametrize("asker", [ANNA, None])
@pytest.mark.parametrize("by_id", [True, False])
def test_the_owner_and_the_api_stop_the_running_job(queue, worker, asker, by_id):
    job = queue.submit(REQUEST, Delivery(owner=ANNA))
    reach(job, 1)
    queue.interrupt(job.id if by_id else None, asker)
    worker.go.release(100)
    assert job.wait(10).outcome == "stopped"


def test_interrupting_a_job_that_waits_drops_it(queue, worker):
    first, second = (queue.submit(REQUEST, Delivery(owner=owner)) for owner in (ANNA, BEN))
    reach(first, 1)
    queue.interrupt(second.id, BEN)
    assert second.state == "cancelled"
    assert not first.halt.ends_batch


def test_an_unknown_id_is_not_found(queue):
    for command in (queue.interrupt, queue.skip):
        with pytest.raises(NotFound):
            command("none")


def test_a_page_finds_its_owners_jobs_first(queue, worker):
    worker.go.release(100)
    mine = queue.submit(REQUEST, Delivery(owner=ANNA))
    assert mine.wait(10)
    foreign = queue.submit(REQUEST, Delivery(owner=BEN))
    assert foreign.wait(10)
    assert queue.recent("txt2img", ANNA) is mine
    assert queue.recent("txt2img", BEN) is foreign
    assert queue.recent("txt2img", owner_name(None, "3")) is foreign
    assert queue.recent("txt2img") is foreign
    assert set(queue.remembered()) == {mine, foreign}


def test_the_saver_keeps_what_remembered_jobs_show():
    earlier = ImageSaved(
        index=0, path="/data/unsaved/old/0.png", infotext="", seed=0, variation_seed=0, width=8, height=8
    )
    job = Job(REQUEST, Delivery(earlier=GalleryContext((earlier,))))
    assert find_shown_folders([job]) == {job.id, "old"}
