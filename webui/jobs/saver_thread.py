"""The thread that encodes and writes finished pictures, so that the device need not wait for the disk."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from webui.core.errors import StorageError, WebuiError
from webui.core.events import Event, Finished, ImageReady, Message
from webui.core.lack_of_memory import is_lack_of_memory
from webui.jobs.edge import run_at_edge
from webui.jobs.failures import describe_error, make_failed
from webui.jobs.job import Job
from webui.jobs.job_pictures import JobPictures, wants_grid
from webui.jobs.lasting_thread import LastingThread
from webui.jobs.saving import describe_saved
from webui.store.pictures.latents import Latents

logger = logging.getLogger(__name__)
# What may wait to be saved; then the device waits. Eight keep it busy; of very large ones there are fewer.
MOST_WAITING = 8
MOST_WAITING_PIXELS = 48_000_000
# Of one job, what may be held in memory where neither its folder nor that of unsaved pictures can be written:
# 300 MB. Then the job ends, rather than that the memory does.
MOST_HELD_PIXELS = 100_000_000
LOST_TEXT = "A picture could not be saved: the thread that saves pictures was lost and is started again."
FULL_TEXT = (
    "The job was ended, as no more pictures can be kept: make room on the disk, and start it again. Those "
    "that it made are shown; download them."
)
KEPT_TEXT = "You get it all the same: download it, as it lies in no folder."


class Saver(Protocol):
    """What becomes of finished pictures. Called on the saver thread alone."""

    def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
        """Deal with one picture; gives what to tell the watchers. Raises StorageError, after telling them."""
        ...

    def save_grid(self, pictures: Iterable[ImageReady], job: Job) -> Iterable[Event]:
        """Deal with the sheet of all pictures. They may be gone through more than once, one at a time."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A picture to be saved; or the end of a job, as the device thread tells it."""

    job: Job
    ready: ImageReady | None = None
    outcome: Finished | None = None

    @property
    def pixels(self) -> int:
        """What it takes of memory."""
        return self.ready.image.width * self.ready.image.height if self.ready else 0


@dataclass(slots=True)
class JobSaving:
    """What the saver thread knows of a job: its pictures for the grid, and what could not be saved of it."""

    pictures: JobPictures
    unsaved: int = 0
    # Why no more of its pictures can be kept in any way; None as long as they can.
    end: Finished | None = None


@dataclass(slots=True)
class SaverThread:
    """Saves in the order of `put`. A job's `Finished` comes after its last picture."""

    saver: Saver
    on_finished: Callable[[Job, Finished], None]
    latents: Latents | None = None
    scratch: Path | None = None
    _tasks: deque[Task] = field(default_factory=deque[Task])
    _current: Task | None = None
    _jobs: dict[str, JobSaving] = field(default_factory=dict[str, JobSaving])
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False
    _thread: LastingThread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = LastingThread("saver", self._work, self._recover)

    def put(self, ready: ImageReady, job: Job) -> bool:
        """Hand a picture over; waits where too much waits already. False if no more can be kept."""
        ready = mark_incomplete(ready, job)
        if self.latents and is_result(ready):
            self.latents.hold(ready.latent)
        if job.delivery.keep_images and ready.is_shown and not ready.is_passing:
            job.keep(ready)
        task = Task(job, ready)
        with self._changed:
            while not self._has_room(task):
                self._thread.ensure()
                self._changed.wait(1)
            self._add(task)
            return self._saving(job).end is None

    def finish(self, job: Job, outcome: Finished) -> None:
        """Tell the end of a job, once its pictures are saved."""
        with self._changed:
            self._add(Task(job, outcome=outcome))

    def start(self) -> None:
        """Start the thread, or again if it was lost."""
        self._thread.ensure()

    def close(self, timeout_s: float) -> None:
        """Save what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _add(self, task: Task) -> None:
        self._tasks.append(task)
        self._thread.ensure()
        self._changed.notify_all()

    def _has_room(self, task: Task) -> bool:
        waiting = [each for each in (*self._tasks, self._current) if each is not None and each.ready]
        pixels = sum(each.pixels for each in waiting)
        return not waiting or (len(waiting) < MOST_WAITING and pixels + task.pixels <= MOST_WAITING_PIXELS)

    def _saving(self, job: Job) -> JobSaving:
        if job.id not in self._jobs:
            self._jobs[job.id] = JobSaving(JobPictures(self.scratch))
        return self._jobs[job.id]

    def _work(self) -> None:
        # No variable here holds a task: while it waits for the next, its picture would stay in memory.
        while self._take():
            self._carry_out(self._current)
            with self._changed:
                self._current = None
                self._changed.notify_all()

    def _take(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            self._current = self._tasks.popleft() if self._tasks else None
            return self._current is not None

    def _carry_out(self, task: Task | None) -> None:
        assert task is not None, "A task was taken."
        if task.ready is not None:
            self._save(task.ready, task.job)
        else:
            self._finish(task.job, task.outcome or Finished(outcome="failed"))

    def _recover(self) -> None:
        """Put in order what a lost thread left: its picture is kept unsaved, the end of a job is told."""
        with self._changed:
            task, self._current = self._current, None
            self._changed.notify_all()
        if task is None:
            return
        if task.ready is not None:
            self._keep_unsaved(task.ready, task.job, LOST_TEXT)
        else:
            self._tell_end(task.job, task.outcome or Finished(outcome="failed"))

    def _save(self, ready: ImageReady, job: Job) -> None:
        run_at_edge(
            lambda: self._save_one(ready, job),
            lambda error: self._keep_unsaved(ready, job, explain_unsaved(error, job)),
        )

    def _save_one(self, ready: ImageReady, job: Job) -> None:
        if wants_grid(job) and ready.joins_grid and not ready.aside:
            self._saving(job).pictures.add(ready)
        for event in self.saver.save(ready, job):
            job.append(event)
        self._release(ready, is_saved=True)

    def _keep_unsaved(self, ready: ImageReady, job: Job, sentence: str) -> None:
        """Keep a picture that could not be saved for whoever looks at the job. The job goes on."""
        saving = self._saving(job)
        saving.unsaved += 1
        if saving.unsaved == 1:
            job.append(Message(text=f"{sentence} {KEPT_TEXT}", level="warning"))
        if ready.is_shown and not is_told(ready, job):
            job.keep(ready)
            job.append(describe_saved(ready, ""))
        self._release(ready, is_saved=False)
        if not job.delivery.keep_images and job.count_kept_pixels() > MOST_HELD_PIXELS:
            saving.end = saving.end or make_failed(f"{sentence} {FULL_TEXT}", StorageError.__name__)

    def _release(self, ready: ImageReady, *, is_saved: bool) -> None:
        if self.latents and is_result(ready):
            with suppress(StorageError):
                self.latents.release(ready.latent, is_saved=is_saved)

    def _finish(self, job: Job, outcome: Finished) -> None:
        saving = self._saving(job)
        if saving.unsaved > 1:
            job.append(Message(text=f"{saving.unsaved} pictures could not be saved.", level="warning"))
        if saving.end is not None and outcome.outcome != "failed":
            outcome = saving.end
        if outcome.outcome in ("done", "stopped"):
            run_at_edge(
                lambda: self._save_grid(saving.pictures, job), lambda error: tell_missing_grid(error, job)
            )
        self._tell_end(job, outcome)

    def _save_grid(self, pictures: JobPictures, job: Job) -> None:
        if pictures.are_too_many:
            job.append(pictures.too_many_message())
        for event in self.saver.save_grid(pictures, job):
            job.append(event)

    def _tell_end(self, job: Job, outcome: Finished) -> None:
        with self._changed:
            saving = self._jobs.pop(job.id, None)
        if saving is not None:
            saving.pictures.close()
        self.on_finished(job, outcome)


def is_result(ready: ImageReady) -> bool:
    """Whether it came from a kept latent, which stays offered until the picture is saved."""
    return bool(ready.latent) and not ready.aside


def mark_incomplete(ready: ImageReady, job: Job) -> ImageReady:
    """The picture, not to be saved if its batch was cut short and the settings do not want such.

    Told by the job's state when the picture comes: later on another batch runs.
    """
    if job.halt.ends_batch and not job.settings.saving.save_incomplete_images:
        return ready.model_copy(update={"is_saved": False})
    return ready


def is_told(ready: ImageReady, job: Job) -> bool:
    """Whether the job's watchers know of a picture already."""
    return any((saved.index, saved.aside) == (ready.index, ready.aside) for saved in job.saved())


def explain_unsaved(error: BaseException, job: Job) -> str:
    """Why a picture could not be saved, for the artist; in the log if nobody foresaw it."""
    if isinstance(error, WebuiError):
        return f"A picture could not be saved. {error}"
    logger.exception("A picture of job %s could not be saved", job.id)
    if is_lack_of_memory(error):
        return "A picture could not be saved: there was not enough memory. Close other programs."
    return (
        f"A picture could not be saved: {describe_error(error)}. The program is at fault; its log tells more."
    )


def tell_missing_grid(error: BaseException, job: Job) -> None:
    """Say that the sheet could not be made; all pictures are there."""
    logger.exception("The grid of job %s could not be made", job.id)
    job.append(Message(text=f"There is no grid: {describe_error(error)}.", level="warning"))
