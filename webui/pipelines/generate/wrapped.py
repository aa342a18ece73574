"""Parts of a run that extensions may put functions of their own around."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

from torch import Tensor

from webui.core.events import Event, ImageReady
from webui.core.request import GenerationRequest
from webui.models.loaded_model import LoadedModel
from webui.pipelines.encode import EncodedBatch
from webui.pipelines.generate.passes import Run, Sampled, sample_batch
from webui.pipelines.generate.pictures import use_upscaler
from webui.pipelines.img2img.img2img import Start, make_start
from webui.plugins.batch import Batch
from webui.plugins.context import Context

Result = TypeVar("Result")


def begin(request: GenerationRequest, sd: LoadedModel, context: Context) -> Start:
    """Where img2img starts, as extensions want it made."""

    def make(request: GenerationRequest) -> Start:
        return make_start(request, sd, context, use_upscaler(request, context))

    wrapped = context.plugins.change(
        "wrap_start", make, context.tell, name="make", check=check_callable, request=request, context=context
    )
    return wrapped(request)


def check_callable(function: object) -> None:
    """Raise TypeError for what cannot be called."""
    if not callable(function):
        raise TypeError(f"it must return a function or None, not {type(function).__name__}")


def check_request(request: GenerationRequest) -> None:
    """Raise TypeError for what is no request."""
    if not isinstance(request, GenerationRequest):  # pyright: ignore[reportUnnecessaryIsInstance] - strangers' code
        raise TypeError(f"it must return a request or None, not {type(request).__name__}")


def sample_wrapped(
    batch: Batch, run: Run, encoded: EncodedBatch, models: ExitStack
) -> Generator[Event, None, Sampled | None]:
    """All passes, in the function that extensions put around them; None if cancelled.

    In such a function, which is no generator, events are told at once, pictures after it.
    """
    context = run.context
    made: list[Sampled] = []
    pictures: list[Event] = []

    def sample() -> Tensor:
        sampled = yield_to(sample_batch(batch, run, encoded, models), context.emit, pictures)
        if sampled is None:
            raise Cancelled
        made.append(sampled)
        return sampled.latent

    wrapped = context.plugins.change(
        "wrap_sampling",
        sample,
        context.tell,
        name="sample",
        check=check_callable,
        batch=batch,
        context=context,
    )
    if wrapped is sample:
        return (yield from sample_batch(batch, run, encoded, models))
    try:
        latent = wrapped()
    except Cancelled:
        return None
    yield from pictures
    return replace(made[-1], latent=latent) if made else Sampled(latent, run.sd)


class Cancelled(BaseException):
    """Leaves extensions' functions around the sampling of a job that was cancelled; they cannot catch it
    by mistake.
    """


def yield_to(
    events: Generator[Event, None, Result], emit: Callable[[Event], None], pictures: list[Event]
) -> Result:
    """What events come to, each told at once; pictures, which their receiver saves, are put in a list."""
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return end.value
        if isinstance(event, ImageReady):
            pictures.append(event)
        else:
            emit(event)
