"""The queue: jobs in order, one thread that owns the device."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Protocol

from webui.core.errors import NotFound, WebuiError
from webui.core.events import Event, Finished, ImageReady, Queued, Started
from webui.core.settings import Settings
from webui.core.work import WorkRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.ownership import check_command, may_command
from webui.jobs.worker import Worker

logger = logging.getLogger(__name__)
# Finished jobs kept in memory, so that a reloaded page finds its pictures.
REMEMBERED = 100


class Saver(Protocol):
    """What becomes of finished pictures."""

    def save(self, ready: ImageReady, job: Job) -> Iterable[Event]:
        """Deal with one picture; gives what to tell the watchers."""
        ...

    def save_grid(self, pictures: list[ImageReady], job: Job) -> Iterable[Event]:
        """Deal with the sheet of all pictures."""
        ...


MakeWorker = Callable[[], Worker]


class JobQueue:
    """Submit from any thread. The worker is made, used and closed on the device thread alone."""

    def __init__(self, make_worker: MakeWorker, saver: Saver, name: str = "device-0") -> None:
        self._make_worker = make_worker
        self._saver = saver
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._finished: deque[Job] = deque(maxlen=REMEMBERED)
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the device thread; jobs submitted before wait for it."""
        self._thread.start()

    def submit(
        self, request: WorkRequest, delivery: Delivery | None = None, settings: Settings | None = None
    ) -> Job:
        """Put a request at the end of the queue, with the settings it will run under."""
        job = Job(request, delivery or Delivery(), settings or Settings())
        with self._changed:
            if self._closed:
                raise WebuiError("The server is shutting down and takes no more work. Start it again.")
            self._waiting.append(job)
            job.append(Queued(position=len(self._waiting) - 1 + (self._running is not None)))
            self._changed.notify_all()
        return job

    def find(self, job_id: str) -> Job:
        """By id, as long as it is remembered."""
        for job in self._all():
            if job.id == job_id:
                return job
        raise NotFound(f"There is no job {job_id!r}; only the last {REMEMBERED} finished ones are kept.")

    def _all(self) -> list[Job]:
        with self._changed:
            return [*self._finished, *([self._running] if self._running else []), *self._waiting]

    def running(self) -> Job | None:
        """The job on the device now."""
        return self._running

    def waiting(self) -> tuple[Job, ...]:
        """Jobs still to come, next first."""
        with self._changed:
            return tuple(self._waiting)

    def recent(self, tab: str) -> Job | None:
        """The tab's running job, else its next in the queue, else the last finished."""
        mine = [job for job in self._all() if job.delivery.tab == tab]
        for state in ("running", "queued"):
            if found := next((job for job in mine if job.state == state), None):
                return found
        return mine[-1] if mine else None

    def interrupt(self, job_id: str | None = None, asker: str | None = None) -> None:
        """Stop a job, keeping what it has; without an id the running one. One that waits is dropped.

        `asker` is whose button was pressed (see `ownership`): without an id it stops its own job only. Raises
        NotFound, or NotYourJob for another's id.
        """
        if job := self._commanded(job_id, asker):
            if job in self.waiting():
                self.cancel(job)
            else:
                job.stop()

    def skip(self, job_id: str | None = None, asker: str | None = None) -> None:
        """End the running batch and go on with the next; otherwise as `interrupt`, but nothing is dropped."""
        if job := self._commanded(job_id, asker):
            job.skip()

    def _commanded(self, job_id: str | None, asker: str | None) -> Job | None:
        if job_id is None:
            return job if (job := self._running) and may_command(asker, job) else None
        job = self.find(job_id)
        check_command(asker, job)
        return job

    def cancel(self, job: Job, asker: str | None = None) -> None:
        """Drop a job: at once while it waits, after the step while it runs. Raises NotYourJob."""
        check_command(asker, job)
        with self._changed:
            waits = job in self._waiting
            if waits:
                self._waiting.remove(job)
                self._finished.append(job)
        if waits:
            job.append(Finished(outcome="cancelled"))
            self._tell_positions()
        else:
            job.cancel()

    def close(self, timeout_s: float = 30.0) -> None:
        """Stop the running job, drop the waiting ones, end the thread."""
        with self._changed:
            self._closed = True
            waiting, running = list(self._waiting), self._running
            self._changed.notify_all()
        for job in waiting:
            self.cancel(job)
        if running:
            running.cancel()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _tell_positions(self) -> None:
        for position, job in enumerate(self.waiting()):
            job.append(Queued(position=position + 1))

    def _work(self) -> None:
        worker = self._early_worker()
        while job := self._next():
            try:
                worker = worker or self._make_worker()
                outcome = self._run(job, worker)
            except WebuiError as error:
                outcome = Finished(outcome="failed", error=str(error), error_kind=type(error).__name__)
            except Exception as error:  # a job's edge: what breaks one job must not end the server
                logger.exception("Job %s failed", job.id)
                sentence = f"{type(error).__name__}: {error}. The program is at fault; its log tells more."
                outcome = Finished(outcome="failed", error=sentence, error_kind="Exception")
            with self._changed:
                self._running = None
                self._finished.append(job)
            job.append(outcome.model_copy(update={"seconds": time.time() - job.created}))

    def _early_worker(self) -> Worker | None:
        """The worker before anybody asks, so that the first job need not wait; refusals are told to jobs."""
        try:
            return self._make_worker()
        except WebuiError as error:
            logger.warning("%s", error)
            return None

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._running = self._waiting.popleft()
        self._tell_positions()
        return self._running

    def _run(self, job: Job, worker: Worker) -> Finished:
        job.append(Started(at=time.time()))
        pictures: list[ImageReady] = []
        with closing(worker.run(job.request, job.settings, job.halt)) as events:
            for event in events:
                if isinstance(event, ImageReady):
                    pictures.append(event)
                    self._save(event, job)
                else:
                    job.append(event)
                if job.halt.is_cancelled:
                    return Finished(outcome="cancelled")
        for event in self._saver.save_grid(pictures, job):
            job.append(event)
        return Finished(outcome="stopped" if job.halt.is_stopped else "done")

    def _save(self, ready: ImageReady, job: Job) -> None:
        if job.delivery.keep_images and ready.is_shown:
            job.keep(ready)
        for event in self._saver.save(ready, job):
            job.append(event)
