"""Saving beside the device: order, how much may wait, and what stays in memory."""

import gc
import threading
import time
import weakref
from collections.abc import Iterable, Iterator

import pytest
from PIL import Image

from tests.jobs.fake_work import Saver
from webui.core.events import Event, ImageReady, ImageSaved, Progress
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work.extras_request import make_extras_request
from webui.core.work.kinds import WorkRequest
from webui.core.work.series import Series
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue
from webui.jobs.saver_thread import MOST_WAITING
from webui.jobs.saving import PictureSaver
from webui.store.database import IN_MEMORY, Database
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles
from webui.store.pictures.unsaved import UnsavedPictures
from webui.store.reading import open_picture

SETTINGS = Settings().changed({"directories_filename_pattern": "day"})


class Painter:
    """A worker that makes as many pictures as it is asked for, and knows how many are alive."""

    def __init__(self, side: int = 64) -> None:
        self.side, self.most_alive = side, 0
        self._pictures: list[weakref.ref[Image.Image]] = []

    @property
    def alive(self) -> int:
        return sum(picture() is not None for picture in self._pictures)

    def run(self, request: WorkRequest, settings: Settings, stop: Stop, emit=None) -> Iterator[Event]:
        for index in range(count_of(request)):
            at = {"batch": index, "batches": 1, "sampling_step": 1, "sampling_steps": 1}
            yield Progress(step=index, steps=count_of(request), **at)
            yield self.picture(index)
            self.most_alive = max(self.most_alive, self.alive)
            if stop.is_stopped:
                return

    def picture(self, index: int) -> ImageReady:
        image = Image.new("RGB", (self.side, self.side), (index % 256, index // 256, 0))
        self._pictures.append(weakref.ref(image))
        return ImageReady(index=index, image=image, infotext=f"fox {index}", seed=index, variation_seed=0)


def count_of(request: WorkRequest) -> int:
    if isinstance(request, GenerationRequest):
        return request.count
    return len(request.requests) if isinstance(request, Series) else len(request.images)


@pytest.fixture
def painter():
    return Painter()


@pytest.fixture
def queue(painter, tmp_path):
    saver = PictureSaver(
        ImageFiles(tmp_path), History(Database(IN_MEMORY)), UnsavedPictures(tmp_path / "unsaved")
    )
    made = JobQueue(lambda: painter, saver, scratch=tmp_path / "scratch")
    made.start()
    yield made
    made.close()


def requests(count: int) -> list[WorkRequest]:
    """Work of every kind that makes so many pictures."""
    one = GenerationRequest()
    images = [{"image": "0" * 64}] * count
    return [
        GenerationRequest(batch_count=count),
        Series(requests=(one,) * count),
        make_extras_request(images=images),
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["generation", "series", "extras"])
@pytest.mark.parametrize("save", [True, False])
def test_of_a_long_job_few_pictures_are_in_memory_and_none_after_it(queue, painter, kind, save):
    gc.disable()
    try:
        job = queue.submit(requests(100)[kind], Delivery(save_samples=save), SETTINGS)
        assert job.wait(60).outcome == "done"
        # The one being made, those that wait, the first for the grid.
        assert painter.most_alive <= MOST_WAITING + 3
        deadline = time.monotonic() + 5
        while painter.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        assert painter.alive == 0
        assert len([event for event in job.log() if isinstance(event, ImageReady)]) == 0
    finally:
        gc.enable()


def test_pictures_for_a_caller_are_there_until_they_are_dropped(queue, painter):
    job = queue.submit(GenerationRequest(batch_count=20), Delivery(keep_images=True), SETTINGS)
    job.wait(60)
    assert [event.index for event in job.log() if isinstance(event, ImageReady)] == list(range(20))
    job.drop_images()
    gc.collect()
    assert painter.alive == 0


@pytest.mark.parametrize("image_format", ["png", "jpg"])
def test_the_grid_is_that_of_the_pictures_themselves(queue, tmp_path, image_format):
    settings = SETTINGS.changed({"samples_format": image_format})
    job = queue.submit(GenerationRequest(batch_count=5), settings=settings)
    job.wait(60)
    (grid,) = (picture for picture in job.saved() if picture.index < 0)
    sheet = open_picture(tmp_path / grid.path)
    assert sheet.size == (192, 128)
    found = [sheet.getpixel((64 * (index % 3) + 5, 64 * (index // 3) + 5)) for index in range(5)]
    assert found == [(index, 0, 0) for index in range(5)]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_grid_of_more_than_the_limit_is_left_out_with_a_sentence(queue, painter, monkeypatch):
    monkeypatch.setattr("webui.jobs.job_pictures.MOST_GRID_PIXELS", 10 * 64 * 64)
    job = queue.submit(GenerationRequest(batch_count=11), settings=SETTINGS)
    assert job.wait(60).outcome == "done"
    assert min(picture.index for picture in job.saved()) == 0
    assert "no grid of the 11 pictures" in job.messages()[0].text
    within = queue.submit(GenerationRequest(batch_count=10), settings=SETTINGS)
    within.wait(60)
    assert min(picture.index for picture in within.saved()) == -1


def test_a_picture_not_to_be_saved_lies_in_a_file_for_the_page(queue, tmp_path):
    job = queue.submit(
        GenerationRequest(batch_count=2), Delivery(save_samples=False, save_grid=False), SETTINGS
    )
    job.wait(60)
    assert [picture.path for picture in job.saved()] == ["", ""]
    unsaved = UnsavedPictures(tmp_path / "unsaved")
    assert open_picture(unsaved.path(job.id, 1)).getpixel((0, 0)) == (1, 0, 0)


class SlowSaver(Saver):
    """Waits for `go` before each picture."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.order: list[tuple[str, int]] = []

    def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
        self.go.acquire()
        self.order.append((job.id, ready.index))
        return super().save(ready, job)


@pytest.fixture
def slow(painter):
    saver = SlowSaver()
    made = JobQueue(lambda: painter, saver)
    made.start()
    yield made, saver
    saver.go.release(10_000)
    made.close()


def until(condition, most_s: float = 10) -> bool:
    end = time.monotonic() + most_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_the_next_job_runs_while_the_last_one_is_saved_and_each_ends_after_its_pictures(slow):
    queue, saver = slow
    first, second = (queue.submit(GenerationRequest(batch_count=2)) for _ in range(2))
    assert until(lambda: second.progress().sampling_steps == 1)
    assert (first.state, first.saved(), queue.recent("txt2img")) == ("running", (), first)
    saver.go.release(1)
    assert until(lambda: len(first.saved()) == 1)
    assert first.finished is None
    saver.go.release(3)
    assert second.wait(10).outcome == "done"
    assert saver.order == [(job.id, index) for job in (first, second) for index in range(2)]
    assert first.finished is not None
    assert queue.recent("txt2img") is second


def test_a_slow_disk_holds_the_device_back(slow, painter):
    queue, saver = slow
    job = queue.submit(GenerationRequest(batch_count=50))
    assert until(lambda: painter.alive >= MOST_WAITING)
    time.sleep(0.1)
    assert painter.most_alive <= MOST_WAITING + 1
    saver.go.release(50)
    assert job.wait(10).outcome == "done"


def test_few_very_large_pictures_wait(slow, painter, monkeypatch):
    monkeypatch.setattr("webui.jobs.saver_thread.MOST_WAITING_PIXELS", 3 * 64 * 64)
    queue, saver = slow
    job = queue.submit(GenerationRequest(batch_count=9))
    assert until(lambda: painter.alive >= 3)
    time.sleep(0.1)
    assert painter.most_alive <= 4
    saver.go.release(9)
    assert job.wait(10).outcome == "done"


def test_every_picture_is_saved_when_the_server_ends(slow):
    queue, saver = slow
    job = queue.submit(GenerationRequest(batch_count=3))
    assert until(lambda: queue.running() is None and job.state == "running")
    closing = threading.Thread(target=queue.close)
    closing.start()
    saver.go.release(3)
    closing.join(10)
    assert len(job.saved()) == 3
    assert job.state == "done"


@pytest.mark.parametrize("interrupt_first", [True, False])
def test_a_whole_picture_counts_as_whole_though_the_job_is_stopped_before_it_is_saved(
    painter, interrupt_first
):
    seen, go = [], threading.Event()

    class Noting(Saver):
        def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
            go.wait(10)
            seen.append(ready.is_saved)
            return super().save(ready, job)

    queue = JobQueue(lambda: painter, Noting())
    settings = SETTINGS.changed({"save_incomplete_images": False})
    job = queue.submit(GenerationRequest(), settings=settings)
    if interrupt_first:
        job.stop()
    queue.start()
    assert until(lambda: queue.running() is None and job.state == "running")
    job.stop()
    go.set()
    job.wait(10)
    queue.close()
    assert seen == [not interrupt_first]


def test_pages_that_poll_read_no_log(slow):
    queue, saver = slow
    saver.go.release(10_000)
    for _ in range(100):
        queue.submit(GenerationRequest(batch_count=2)).wait(10)

    def forbidden(self: Job) -> tuple[Event, ...]:
        raise AssertionError("A log was copied.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "log", forbidden)
        assert queue.recent("txt2img").state == "done"
        assert queue.recent("img2img") is None
        assert queue.recent("txt2img").progress().fraction == 1
        assert queue.recent("txt2img").preview() is None


def test_only_the_last_hundred_are_remembered(slow):
    queue, saver = slow
    saver.go.release(10_000)
    jobs = [queue.submit(GenerationRequest(), Delivery(tab=tab)) for tab in ("img2img", *["txt2img"] * 101)]
    jobs[-1].wait(10)
    assert until(lambda: queue.recent("img2img") is None)
    assert queue.find(jobs[-100].id) is jobs[-100]
    for forgotten in jobs[:2]:
        with pytest.raises(Exception, match="There is no job"):
            queue.find(forgotten.id)
    assert isinstance(jobs[-1].saved()[0], ImageSaved)
