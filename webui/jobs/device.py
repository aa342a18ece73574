"""The device thread's work: it makes a worker, carries out jobs with it, and makes another where it broke."""

import gc
import logging
import time
from collections.abc import Callable
from contextlib import closing

from webui.core.errors import WebuiError
from webui.core.events import Event, Finished, ImageReady, Started
from webui.jobs.edge import run_at_edge
from webui.jobs.failures import Failure, failure_of
from webui.jobs.job import Job
from webui.jobs.worker import Worker

logger = logging.getLogger(__name__)
MakeWorker = Callable[[], Worker]
# Carries out other jobs on this thread, between two events of a long one.
Between = Callable[[], None]
# Takes a finished picture; False where the job is to end because pictures cannot be saved.
Receive = Callable[[ImageReady, Job], bool]


class Device:
    """Belongs to one thread: the worker is made, used and dropped on it. No error leaves its methods."""

    def __init__(self, make_worker: MakeWorker, receive: Receive) -> None:
        """The worker is made by `prepare`, or for the first job."""
        self._make_worker, self._receive = make_worker, receive
        self._worker: Worker | None = None

    def prepare(self) -> None:
        """Make the worker before anybody asks, so that the first job need not wait.

        Where it cannot be made, each job tries again, and tells why if it fails too.
        """
        self._worker = run_at_edge(self._make_worker, log_missing_worker)

    def carry_out(self, job: Job, between: Between = lambda: None) -> Finished:
        """Run a job to its end, whichever it is; `between` is called after each of its events."""
        result = run_at_edge(lambda: self._run(job, between), lambda error: explain_failure(error, job))
        if isinstance(result, Finished):
            return result
        if result.ends_worker:
            # Only now: the error held the frames, and those what fills the memory.
            self._worker = None
            gc.collect()
        return result.finished

    def _run(self, job: Job, between: Between) -> Finished | Failure:
        if self._worker is None:
            self._worker = self._make_worker()
        job.append(Started(at=time.time()))

        def emit(event: Event) -> None:
            self._tell(event, job)

        with closing(self._worker.run(job.request, job.settings, job.halt, emit)) as events:
            for event in events:
                if not self._tell(event, job):
                    break
                if job.halt.is_cancelled:
                    return Finished(outcome="cancelled")
                between()
        return Finished(outcome="stopped" if job.halt.is_stopped else "done")

    def _tell(self, event: Event, job: Job) -> bool:
        """Into the job's log, a picture to whoever saves it; False where the job is to end."""
        if isinstance(event, ImageReady):
            return self._receive(event, job)
        job.append(event)
        return True


def log_missing_worker(error: BaseException) -> None:
    """Say in the log why there is no worker yet."""
    if isinstance(error, WebuiError):
        logger.warning("%s", error)
    else:
        logger.exception("The worker could not be made; the next job tries again")


def explain_failure(error: BaseException, job: Job) -> Failure:
    """What an error means for its job and for the worker; in the log if nobody foresaw it."""
    failure = failure_of(error)
    if failure.is_unforeseen:
        logger.exception("Job %s failed", job.id)
    return failure
