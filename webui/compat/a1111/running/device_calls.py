"""Functions of extensions on the device's thread, in the queue with all other work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from webui.compat.a1111.device_calls import DeviceCall
from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.page.arguments import KEY
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.events import Event, Finished, Phase
from webui.core.request import GenerationRequest
from webui.jobs.job import Delivery, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from webui.plugins.context import Context

# In `extras["a1111"]`: the token of a function that waits for its job.
CALL = "call"
# What the queue calls the thread that saves, which a job would wait for.
SAVER = "saver"


def call_on_device(
    function: Callable[[], Any],
    name: str = "extension",
    task_id: str = "",
) -> Any:  # noqa: ANN401 - what the function gives
    """What a function gives that makes pictures or uses the checkpoint, run as a job of its own.

    `task_id` is what the page calls it where it asks how far it is.

    On the device's thread, within a job, it is called at once. Raises what the function raises, and
    InvalidRequest where its job was cancelled.
    """
    host = current()
    if host.runs.is_in_job:
        return function()
    if threading.current_thread().name == SAVER:
        raise InvalidRequest("While a picture is saved, none can be made. Make it in postprocess, or later.")
    call = DeviceCall(function, name)
    token = host.calls.add(call)
    request = GenerationRequest(prompt=name[:200], extras={KEY: {CALL: token}})
    job = host.ready.submit(request, Delivery(tab="extension", save_grid=False, task_id=task_id))
    finished = wait_for_job(job)
    host.calls.take(token)
    if call.error is not None:
        raise call.error
    if call.is_done:
        return call.result
    reason = finished.error if finished is not None and finished.error else "It was cancelled."
    raise InvalidRequest(f"{name} was not run. {reason}")


def wait_for_job(job: Job) -> Finished | None:
    """Wait for the end of a job that is in the queue, which begins to work before the server does if need be.

    What is given out while the page is built has no limit meanwhile: loading a checkpoint takes its time.
    """
    host = current()
    host.ready.jobs.start()
    with host.calls.note_waiting():
        return job.wait()


def find_call(request: GenerationRequest, host: ExtensionHost) -> DeviceCall | None:
    """The function that a request stands for; None for a request of pictures. Raises InvalidRequest."""
    values = request.extras.get(KEY)
    token = values.get(CALL) if isinstance(values, dict) else None
    if token is None:
        return None
    call = host.calls.take(str(token))
    if call is None:
        raise InvalidRequest("This job was a function of an extension, which cannot be run again.")
    return call


def run_call(call: DeviceCall, context: Context, host: ExtensionHost) -> Generator[Event]:
    """Call the function within a job."""
    yield Phase(name=call.name)
    host.runs.enter(context)
    try:
        call.result = call.function()
        call.is_done = True
    except WebuiError as error:
        call.error = error
    except Exception as error:  # noqa: BLE001 - it is raised where the function was handed over
        call.error = error
    finally:
        host.runs.leave()
