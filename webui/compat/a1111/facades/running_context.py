"""The context of the job that runs, for names that compute: on the device's thread at once, else by a job."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webui.compat.a1111 import host
from webui.compat.a1111.facades import reaching
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.work.kinds import WorkRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services

if TYPE_CHECKING:
    from webui.plugins.context import Context


# What the queue calls the thread that saves.
SAVER = "saver"


@dataclass(frozen=True, slots=True)
class RememberedContext:
    """A context, the checkpoint that its run asks for, and the thread it belongs to."""

    context: "Context"
    model: str
    thread: int


# Of the host that began last; hosts are global to the process, and so is this.
_remembered: dict[int, RememberedContext] = {}


def remember(context: "Context", model: str) -> None:
    """A run of a checkpoint begins, or goes on, on this thread."""
    _remembered.clear()
    _remembered[id(host.current())] = RememberedContext(context, model, threading.get_ident())


def forget() -> None:
    """The host ends."""
    _remembered.clear()


def model_of_run() -> str | None:
    """The checkpoint that the run on this thread asks for; None on other threads."""
    found = _remembered.get(id(host.current()))
    return found.model if found and found.thread == threading.get_ident() else None


def known() -> "Context | None":
    """The context of the last run; None before the first."""
    found = _remembered.get(id(host.current()))
    return found.context if found else None


def on_this_thread() -> "Context | None":
    """The same, where this is the device's thread; None on all others."""
    found = _remembered.get(id(host.current()))
    return found.context if found and found.thread == threading.get_ident() else None


def ready_services() -> Services:
    """The services. Raises RuntimeError while the program is being built."""
    return host.current().ready


def finish(request: WorkRequest) -> Job:
    """Put work in the queue and wait for its end. Raises the job's refusal.

    Neither on the device's thread nor on the one that saves, which the job would wait for.
    """
    if threading.current_thread().name == SAVER:
        raise InvalidRequest("While a picture is saved no network can be used. Use it after the run.")
    delivery = Delivery(tab="api", save_samples=False, save_grid=False, keep_images=True)
    job = ready_services().submit(request, delivery)
    finished = job.wait()
    if finished is not None and finished.error:
        raise WebuiError(finished.error)
    return job


def is_serving() -> bool:
    """Whether there are services to submit work to."""
    return reaching.services() is not None
