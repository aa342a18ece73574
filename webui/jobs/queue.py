"""The queue: jobs in order, one thread that owns the device, one that saves what it makes."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from webui.core.errors import NotFound, ServerEnding
from webui.core.events import Finished, Phase, Queued
from webui.core.settings import Settings
from webui.core.work.kinds import WorkRequest
from webui.core.work.training_run import TrainingRun
from webui.jobs.device import Device, MakeWorker
from webui.jobs.failures import make_failed
from webui.jobs.job import Delivery, Job
from webui.jobs.lasting_thread import LastingThread
from webui.jobs.ownership import check_command, may_command, sees_all_jobs
from webui.jobs.saver_thread import Saver, SaverThread
from webui.store.pictures.latents import Latents

# Finished jobs kept in memory, so that a reloaded page finds its pictures.
REMEMBERED = 100
LOST_TEXT = (
    "The thread that computes was lost in the middle of this job and is started again. Start the job once "
    "more; the server's log tells what happened."
)


class JobQueue:
    """Submit from any thread. The worker is made, used and closed on the device thread alone.

    A job waits, runs on the device, then its last pictures are saved while the next one runs; then it is
    finished. Both threads are made anew if they are lost.
    """

    def __init__(
        self,
        make_worker: MakeWorker,
        saver: Saver,
        name: str = "device-0",
        *,
        latents: Latents | None = None,
        scratch: Path | None = None,
    ) -> None:
        """`latents` are told which pictures are saved; `scratch` is a folder for temporary files."""
        self._make_worker = make_worker
        self._saver = SaverThread(saver, self._finish, latents, scratch)
        self._waiting: deque[Job] = deque()
        # The job on the device; before it, a training run that waits while a picture is made.
        self._running: list[Job] = []
        self._saving: deque[Job] = deque()
        self._finished: deque[Job] = deque()
        self._by_id: dict[str, Job] = {}
        self._by_task: dict[str, Job] = {}
        # The last finished one of a tab and owner, and of the tab whoever's it was.
        self._last: dict[tuple[str, str | None], Job] = {}
        self._changed = threading.Condition()
        self._started = self._closed = False
        self._thread = LastingThread(name, self._work, self._recover)

    def start(self) -> None:
        """Start the threads; jobs submitted before wait for them."""
        self._started = True
        self._saver.start()
        self._thread.ensure()

    def submit(
        self, request: WorkRequest, delivery: Delivery | None = None, settings: Settings | None = None
    ) -> Job:
        """Put a request at the end of the queue, with the settings it will run under."""
        job = Job(request, delivery or Delivery(), settings or Settings())
        with self._changed:
            if self._closed:
                raise ServerEnding("The server is shutting down and takes no more work. Start it again.")
            # Before anybody else knows the job, so that no listener is called in here.
            job.append(Queued(position=len(self._waiting) + bool(self._running)))
            self._waiting.append(job)
            self._by_id[job.id] = job
            if job.delivery.task_id:
                self._by_task[job.delivery.task_id] = job
            self._changed.notify_all()
        if self._started:
            self._thread.ensure()
        return job

    def find(self, job_id: str) -> Job:
        """By id, as long as it is remembered."""
        if job := self._by_id.get(job_id):
            return job
        raise NotFound(f"There is no job {job_id!r}; only the last {REMEMBERED} finished ones are kept.")

    def find_task(self, task_id: str) -> Job | None:
        """The job that a client called so, or the one of that id; None if there is none any more."""
        return self._by_task.get(task_id) or self._by_id.get(task_id)

    def running(self) -> Job | None:
        """The job on the device now: the picture, where one is made between two steps of a training run."""
        with self._changed:
            return self._running[-1] if self._running else None

    def active(self) -> tuple[Job, ...]:
        """The job on the device, and a training run that goes on when it is done."""
        with self._changed:
            return tuple(self._running)

    def waiting(self) -> tuple[Job, ...]:
        """Jobs still to come, next first."""
        with self._changed:
            return tuple(self._waiting)

    def unfinished(self) -> tuple[Job, ...]:
        """Jobs that are saved, run or wait, in their order."""
        with self._changed:
            return tuple(self._unfinished())

    def _unfinished(self) -> Iterator[Job]:
        yield from self._saving
        yield from reversed(self._running)
        yield from self._waiting

    def current(self) -> Job | None:
        """The job on the device now, else the one that is about to run: the device may still start up."""
        with self._changed:
            return self._running[-1] if self._running else next(iter(self._waiting), None)

    def recent(self, tab: str, owner: str | None = None) -> Job | None:
        """The tab's running job, else its next in the queue, else the last finished.

        With an owner, of the owner's jobs; where the tab has none of these, of everybody's (see
        `sees_all_jobs`).

        Pages ask four times a second: it looks at the jobs that are not finished, and at no log.
        """
        with self._changed:
            for job in self._unfinished():
                if job.delivery.tab == tab and owner in (None, job.owner):
                    return job
            found = self._last.get((tab, owner))
        return self.recent(tab) if found is None and owner is not None and sees_all_jobs(owner) else found

    def remembered(self) -> tuple[Job, ...]:
        """Every job that `find` knows."""
        with self._changed:
            return tuple(self._by_id.values())

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
            return job if (job := self.running()) and may_command(asker, job) else None
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
                self._remember(job)
        if waits:
            job.append(Finished(outcome="cancelled"))
            self._update_positions()
        else:
            job.cancel()

    def close(self, timeout_s: float = 30.0) -> None:
        """Stop the running job, drop the waiting ones, save what is made, end the threads."""
        until = time.monotonic() + timeout_s
        with self._changed:
            self._closed = True
            waiting, running = list(self._waiting), list(self._running)
            self._changed.notify_all()
        for job in waiting:
            self.cancel(job)
        for job in running:
            job.cancel()
        self._thread.join(timeout_s)
        self._saver.close(max(1.0, until - time.monotonic()))

    def _update_positions(self) -> None:
        for position, job in enumerate(self.waiting()):
            job.append(Queued(position=position + 1))

    def _work(self) -> None:
        device = Device(self._make_worker, self._saver.put)
        device.prepare()

        def run_others() -> None:
            """Pictures are not kept waiting by a training run, which takes hours."""
            while other := self._take_other():
                self._leave_device(other, device.carry_out(other))

        while job := self._next():
            is_training = isinstance(job.request, TrainingRun)
            self._leave_device(job, device.carry_out(job, run_others if is_training else do_nothing))

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._waiting.popleft()
            self._running.append(job)
        self._update_positions()
        return job

    def _take_other(self) -> Job | None:
        """The next job that is no training run; None if none waits."""
        with self._changed:
            if self._closed:
                return None
            job = next((each for each in self._waiting if not isinstance(each.request, TrainingRun)), None)
            if job is None:
                return None
            self._waiting.remove(job)
            self._running.append(job)
        self._update_positions()
        return job

    def _leave_device(self, job: Job, outcome: Finished) -> None:
        with self._changed:
            self._running.remove(job)
            self._saving.append(job)
        if outcome.outcome in ("done", "stopped"):
            job.append(Phase(name="Saving"))
        self._saver.finish(job, outcome)

    def _recover(self) -> None:
        """End the jobs that a lost device thread left."""
        for job in reversed(self.active()):
            self._leave_device(job, make_failed(LOST_TEXT, "Exception"))

    def _finish(self, job: Job, outcome: Finished) -> None:
        with self._changed:
            if job in self._saving:
                self._saving.remove(job)
            self._remember(job)
        job.append(outcome.model_copy(update={"seconds": time.time() - job.created}))

    def _remember(self, job: Job) -> None:
        """Keep a finished job, and forget the oldest."""
        self._finished.append(job)
        for owner in (None, job.owner):
            self._last[job.delivery.tab, owner] = job
        while len(self._finished) > REMEMBERED:
            oldest = self._finished.popleft()
            self._by_id.pop(oldest.id, None)
            if self._by_task.get(oldest.delivery.task_id) is oldest:
                del self._by_task[oldest.delivery.task_id]
            for owner in (None, oldest.owner):
                if self._last.get((oldest.delivery.tab, owner)) is oldest:
                    del self._last[oldest.delivery.tab, owner]


def do_nothing() -> None:
    """Between the events of jobs that let no others in."""
