"""Calls that wait for a job hold no thread while they wait, and slow work has a few threads of its own.

So a hundred waiting calls keep nobody else from an answer.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from fastapi import Response
from pydantic import BaseModel

from webui.core.errors import ServerEnding, WebuiError
from webui.core.events import Finished, ImageReady
from webui.jobs.job import Job, without_withdrawn

P = ParamSpec("P")
Result = TypeVar("Result")
# Decoding and encoding pictures keeps a core busy each.
WORKING_THREADS = 4
CANCELLED = (
    "The job was cancelled before it was finished: the server is being stopped, or somebody cancelled it "
    "there. Send it again."
)


class SlowWork:
    """A few threads for work that takes longer than a moment. They are started as they are needed."""

    def __init__(self, name: str, threads: int = WORKING_THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Do something on one of the threads and wait for it. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A job that came to its end, and the pictures that it shows, in order."""

    job: Job
    pictures: list[ImageReady]


async def finish(job: Job) -> FinishedJob:
    """Wait for the end of a job without holding a thread. Raises the job's refusal, or ServerEnding.

    A caller who goes away leaves the job as it is: it goes on, as in A1111.
    """
    try:
        finished = await job.join()
    except asyncio.CancelledError as error:
        # Nobody reads them any more.
        job.drop_images_at_end()
        # Only the end of the server cancels a call; the caller still hears why.
        raise ServerEnding("The server is being stopped. Start it, and send the request again.") from error
    pictures = [
        event for event in without_withdrawn(job.log()) if isinstance(event, ImageReady) and event.is_shown
    ]
    # A script's sheet comes last, and stands first.
    pictures.sort(key=lambda picture: picture.index)
    job.drop_images()
    if finished.error:
        raise refusal_of(finished)
    if finished.outcome == "cancelled":
        raise ServerEnding(CANCELLED)
    return FinishedJob(job, pictures)


def refusal_of(finished: Finished) -> WebuiError:
    """The job's refusal, as an error of the same kind as it had on the device thread."""
    kinds = {kind.__name__: kind for kind in every_subclass(WebuiError)}
    return kinds.get(finished.error_kind or "", WebuiError)(finished.error)


def every_subclass(kind: type) -> list[type]:
    """A class and all that derive from it."""
    return [kind, *(found for child in kind.__subclasses__() for found in every_subclass(child))]


def json_response(answer: BaseModel) -> Response:
    """An answer as it goes out. For slow work: with pictures inside it has megabytes."""
    return Response(answer.model_dump_json(), media_type="application/json")
