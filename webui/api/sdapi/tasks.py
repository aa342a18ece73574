"""Jobs by the ids that clients give them in `force_task_id`, for A1111's `/internal/progress`."""

import threading
from collections import OrderedDict

from webui.jobs.job import Job

# As many as the queue remembers of finished jobs, and some that wait.
REMEMBERED = 1000


class Tasks:
    """The newest jobs that have such an id; any thread."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, task_id: str | None, job: Job) -> None:
        """Note a job; nothing where it has no id."""
        if not task_id:
            return
        with self._lock:
            self._jobs[task_id] = job
            self._jobs.move_to_end(task_id)
            while len(self._jobs) > REMEMBERED:
                self._jobs.popitem(last=False)

    def find(self, task_id: str) -> Job | None:
        """The job of an id; None if there is none, or none any more."""
        with self._lock:
            return self._jobs.get(task_id)

    def unfinished(self) -> list[tuple[str, Job]]:
        """Jobs that wait or run, with their ids, oldest first."""
        with self._lock:
            return [(task_id, job) for task_id, job in self._jobs.items() if job.finished is None]
