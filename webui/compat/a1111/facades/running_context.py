"""The context of the job that runs, for names that compute: on the device's thread at once, else by a job."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from webui.compat.a1111 import host
from webui.compat.a1111.facades import reaching
from webui.compat.a1111.running.device_calls import call_on_device, wait_for_job
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.request import GenerationRequest
from webui.core.work.kinds import WorkRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services

if TYPE_CHECKING:
    from webui.plugins.context import Context


Result = TypeVar("Result")
# What the queue calls the thread that saves.
SAVER = "saver"
# Where a processing object keeps what its request holds for extensions of the program's own.
NATIVE_EXTRAS = "native_extras"


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
    if found and found.thread == threading.get_ident():
        return found.model
    innermost = runs().innermost if context_of_job() is not None else None
    return innermost.request.model if innermost is not None else None


def known() -> "Context | None":
    """The context of the last run; None before the first."""
    found = _remembered.get(id(host.current()))
    return found.context if found else context_of_job()


def on_this_thread() -> "Context | None":
    """The same, where this is the device's thread; None on all others."""
    found = _remembered.get(id(host.current()))
    return found.context if found and found.thread == threading.get_ident() else context_of_job()


def context_of_job() -> "Context | None":
    """The context of the job that this thread carries out, which must not wait for another; else None."""
    active = runs()
    return active.context if active is not None and active.is_in_job else None


def runs() -> Any:  # noqa: ANN401 - the runs of processing objects, None where none can be
    """The runs that are being made for extensions."""
    return getattr(host.current(), "runs", None)


def pending_object() -> Any:  # noqa: ANN401 - A1111's processing object, or None
    """The processing object whose run begins."""
    pending = getattr(runs(), "pending", None)
    return pending.p if pending is not None else None


def object_of(context: "Context") -> Any:  # noqa: ANN401 - A1111's processing object, or None
    """The processing object of a run that is being made."""
    known_runs = runs()
    found = known_runs.at(context) if known_runs is not None else None
    return found.p if found is not None else None


def with_native_extras(request: GenerationRequest, p: Any) -> GenerationRequest | None:  # noqa: ANN401 - as above
    """The request with what its processing object was given for our own extensions; None if nothing."""
    given = getattr(p, NATIVE_EXTRAS, None)
    if not given or all(request.extras.get(key) == value for key, value in given.items()):
        return None
    return request.model_copy(update={"extras": request.extras | given})


def ready_services() -> Services:
    """The services. Raises RuntimeError while the program is being built."""
    return host.current().ready


def finish(request: WorkRequest) -> Job:
    """Put work in the queue and wait for its end. Raises the job's refusal.

    Neither on the device's thread nor on the one that saves, which the job would wait for.
    """
    refuse_while_saving()
    delivery = Delivery(tab="api", save_samples=False, save_grid=False, keep_images=True)
    job = ready_services().submit(request, delivery)
    finished = wait_for_job(job)
    if finished is not None and finished.error:
        raise WebuiError(finished.error)
    return job


def on_device(function: Callable[[], Result], name: str) -> Result:
    """What a function gives that computes with networks: at once on the device's thread, else as a job.

    Raises what it raises.
    """
    if on_this_thread() is not None:
        return function()
    refuse_while_saving()
    return call_on_device(function, name)


def refuse_while_saving() -> None:
    """Raise InvalidRequest on the thread that saves, which the job would wait for."""
    if threading.current_thread().name == SAVER:
        raise InvalidRequest("While a picture is saved no network can be used. Use it after the run.")


def is_serving() -> bool:
    """Whether there are services to submit work to."""
    return reaching.services() is not None
