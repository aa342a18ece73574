"""A job's log: read by many, from the beginning, while it grows."""

import asyncio
import threading
import time

import pytest
from PIL import Image

from webui.core.events import Finished, ImageReady, ImageSaved, Phase, Preview, Progress, Started
from webui.core.request import GenerationRequest
from webui.jobs.job import Job


def progress(step: int, steps: int = 10) -> Progress:
    return Progress(step=step, steps=steps, batch=0, batches=1, sampling_step=step, sampling_steps=steps)


def finish(job: Job) -> None:
    job.append(Finished(outcome="done"))


def test_a_watcher_who_comes_late_gets_everything_that_still_matters():
    job = Job(GenerationRequest())
    job.append(Started(at=1.0))
    for step in range(1, 5):
        job.append(progress(step))
    finish(job)
    events = list(job.events())
    assert [type(event) for event in events] == [Started, Progress, Finished]
    assert events[1] == progress(4)


def test_a_watcher_waits_for_what_is_to_come():
    job = Job(GenerationRequest())
    seen = []
    watcher = threading.Thread(target=lambda: seen.extend(job.events()))
    watcher.start()
    for step in range(1, 4):
        job.append(progress(step))
        time.sleep(0.01)
    finish(job)
    watcher.join(5)
    assert not watcher.is_alive()
    assert seen[-1] == Finished(outcome="done")
    assert progress(3) in seen


def test_a_thousand_previews_leave_one_in_the_log():
    job = Job(GenerationRequest())
    for step in range(1000):
        job.append(Preview(data=bytes([step % 256]), mime="image/png", step=step))
    assert len(job.log()) == 1
    assert job.preview() == Preview(data=bytes([999 % 256]), mime="image/png", step=999)


def test_a_slow_watcher_sees_each_event_once_and_the_last_one_always():
    job = Job(GenerationRequest())
    seen = []

    def watch() -> None:
        for event in job.events():
            seen.append(event)
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for step in range(1, 301):
        job.append(progress(step, 300))
    finish(job)
    watcher.join(10)
    steps = [event.step for event in seen if isinstance(event, Progress)]
    assert steps == sorted(set(steps))
    assert isinstance(seen[-1], Finished)


def test_progress_tells_the_time_left_from_the_speed_so_far():
    job = Job(GenerationRequest())
    assert job.progress().eta_s is None
    job.append(Started(at=time.time() - 10))
    job.append(progress(5))
    at = job.progress()
    assert at.fraction == 0.5
    assert at.eta_s is not None
    assert abs(at.eta_s - 10) < 1


def test_a_job_is_not_done_before_it_has_ended():
    job = Job(GenerationRequest())
    job.append(Started(at=time.time() - 10))
    job.append(progress(10))
    job.append(Phase(name="Decoding"))
    at = job.progress()
    assert 0.9 < at.fraction < 1
    # Nothing tells how long decoding takes: no "0 s left".
    assert at.eta_s is None
    assert at.phase == Phase(name="Decoding")
    finish(job)
    assert job.progress().fraction == 1


def test_a_pass_that_begins_stands_before_its_first_step():
    job = Job(GenerationRequest())
    job.append(Started(at=0))
    job.append(progress(5))
    job.append(Phase(name="Hires. fix", counts_steps=True))
    assert job.progress().sampling_step == 0
    job.append(progress(6))
    assert job.progress().sampling_step == 6


def test_pictures_kept_for_a_caller_can_be_let_go():
    job = Job(GenerationRequest())
    ready = ImageReady(index=0, image=Image.new("RGB", (8, 8)), infotext="", seed=1, variation_seed=0)
    job.keep(ready)
    job.keep(ready)
    assert job.log() == (ready,)
    job.drop_images()
    assert job.log() == ()


def test_states_follow_the_log():
    job = Job(GenerationRequest())
    assert job.state == "queued"
    job.append(Started(at=0.0))
    assert job.state == "running"
    job.append(Finished(outcome="stopped"))
    assert job.state == "stopped"
    assert job.wait(0) == Finished(outcome="stopped")


def test_a_listener_hears_everything_in_order_from_any_thread():
    job = Job(GenerationRequest())
    job.append(Started(at=0.0))
    heard = []
    job.listen(heard.append)
    threads = [threading.Thread(target=job.append, args=(progress(step),)) for step in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finish(job)
    job.append(progress(1))
    assert heard[0] == Started(at=0.0)
    assert heard[-1] == Finished(outcome="done")
    assert len(heard) == 22
    assert heard[-2] == job.log()[1]


def test_a_listener_that_comes_after_the_end_hears_of_it():
    job, heard = Job(GenerationRequest()), []
    finish(job)
    job.listen(heard.append)
    assert heard == [Finished(outcome="done")]


def test_a_listener_that_fails_or_leaves_is_not_called_again():
    job, calls = Job(GenerationRequest()), []

    def fail(event) -> None:
        calls.append(event)
        raise ZeroDivisionError

    job.listen(fail)
    end = job.listen(calls.append)
    job.append(Started(at=0.0))
    end()
    finish(job)
    assert calls == [Started(at=0.0)] * 2
    assert job.state == "done"


def test_five_hundred_wait_for_the_end_without_a_thread():
    job = Job(GenerationRequest())

    async def wait() -> list[Finished]:
        waiting = [asyncio.create_task(job.join()) for _ in range(500)]
        await asyncio.sleep(0)
        before = threading.active_count()
        threading.Thread(target=finish, args=(job,)).start()
        ended = await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert before == threads
        return ended

    threads = threading.active_count()
    assert asyncio.run(wait()) == [Finished(outcome="done")] * 500


def test_a_wait_that_is_given_up_leaves_the_job_alone():
    job = Job(GenerationRequest())

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job.join(), 0.01)

    asyncio.run(wait())
    # Its loop is closed: nobody is told any more.
    finish(job)
    assert job.state == "done"


def test_nothing_comes_after_the_end():
    job = Job(GenerationRequest())
    finish(job)
    job.append(Finished(outcome="failed"))
    job.append(progress(1))
    assert job.log() == (Finished(outcome="done"),)


def test_cells_of_a_plot_leave_the_gallery_when_it_is_done_and_stay_when_it_is_stopped():
    for outcome, shown in (("done", [-1]), ("stopped", [-1, 0, 1])):
        job = Job(request=GenerationRequest())
        for index in (0, 1, -1):
            size = {"width": 8, "height": 8}
            known = {"infotext": "", "seed": 1, "variation_seed": 1, "path": "", "is_passing": index >= 0}
            job.append(ImageSaved(index=index, **known, **size))
        assert [picture.index for picture in job.gallery()] == [-1, 0, 1]
        job.append(Finished(outcome=outcome))
        assert [picture.index for picture in job.gallery()] == shown
