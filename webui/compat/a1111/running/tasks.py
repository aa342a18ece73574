"""A1111's tasks over our jobs: names that extensions give to their work, and how far it is."""

import time
import uuid
from collections import OrderedDict
from typing import Any

from pydantic import BaseModel

from webui.compat.a1111.host import current

MOST_RECORDED = 2


class ProgressRequest(BaseModel):
    """What A1111's page asks."""

    id_task: str | None = None
    id_live_preview: int = -1
    live_preview: bool = True


class TaskAnswer(BaseModel):
    """What it is answered."""

    active: bool = False
    queued: bool = False
    completed: bool = False
    progress: float | None = None
    eta: float | None = None
    live_preview: str | None = None
    id_live_preview: int | None = None
    textinfo: str | None = None


class NamedTasks:
    """Names of tasks: those that wait, the one that runs, and those that are done."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.pending: OrderedDict[str, float] = OrderedDict()
        self.finished: list[str] = []
        self.recorded: list[tuple[str, Any]] = []

    def create(self, task_type: str) -> str:
        """A name that there was none of."""
        return f"task({task_type}-{uuid.uuid4().hex[:12]})"

    def add(self, name: str) -> None:
        """One waits."""
        self.pending[name] = time.time()

    def start(self, name: str) -> None:
        """One runs."""
        self.current = name
        self.pending.pop(name, None)

    def finish(self, name: str) -> None:
        """One is done, or will not run."""
        self.pending.pop(name, None)
        if self.current == name:
            self.current = None
        self.finished[:] = [*self.finished[-15:], name]

    def record(self, name: str, result: Any) -> None:  # noqa: ANN401 - whatever it made
        """Keep what one made."""
        self.recorded[:] = [*self.recorded[1 - MOST_RECORDED :], (name, result)]


def describe_progress(tasks: NamedTasks, request: ProgressRequest) -> TaskAnswer:
    """How far the job is that runs."""
    state = current().ready.jobs
    name = request.id_task
    job = state.running()
    is_active = job is not None and name in (tasks.current, None)
    if job is None or not is_active:
        return TaskAnswer(
            active=False,
            queued=name in tasks.pending,
            completed=name in tasks.finished,
            textinfo="In queue..." if name in tasks.pending else "Waiting...",
        )
    progress = job.progress()
    phase = progress.phase
    return TaskAnswer(
        active=True,
        progress=progress.fraction,
        eta=progress.eta_s,
        textinfo=phase.name if phase else None,
    )
