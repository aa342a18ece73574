"""Pictures described by a network: those of a request, or those of a data set, into their captions."""

import logging
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from PIL import Image

from webui.core.caption_request import CaptionRequest
from webui.core.errors import InvalidRequest
from webui.core.events import Captioned, Event, Phase, Progress
from webui.library.captioners.captioner import Captioner
from webui.library.captioners.finding import find_captioner
from webui.models.captioning.description import LoadedCaptioner
from webui.models.captioning.loading import load_captioner
from webui.models.network_holder import Loading
from webui.plugins.context import Context

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """One to describe. `file` is its name in the data set, empty where there is none."""

    open: Callable[[], Image.Image]
    file: str = ""
    caption: str = ""


def caption(request: CaptionRequest, context: Context) -> Generator[Event]:
    """Describe the pictures one after the other. A stopped job keeps what it has.

    Raises ModelNotFound and UnusableFile for the captioner, and UnusableFile for a picture given by
    reference; a file of a data set that cannot be read is named and passed over.
    """
    if context.paths is None:
        raise InvalidRequest("There is no folder of models to look for captioners in.")
    captioner = find_captioner(context.paths.models, request.captioner)
    pictures = [Picture(lambda at=at: context.inputs.open(at)) for at in request.images]
    yield Phase(name="Loading captioner", detail=captioner.name)
    with lease_captioner(captioner, context) as network:
        for index, picture in enumerate(pictures):
            if context.stop.is_stopped:
                return
            yield Phase(name="Captioning", detail=f"picture {index + 1} of {len(pictures)}")
            yield from describe(index, picture, request, network)
            yield progress_of(index + 1, len(pictures))


def describe(
    index: int, picture: Picture, request: CaptionRequest, network: LoadedCaptioner
) -> Generator[Event]:
    """Describe one picture."""
    said = network.describe(picture.open(), request.options)
    yield Captioned(
        index=index, caption=with_prefix(request, said.caption), file=picture.file, tags=said.tags
    )


def with_prefix(request: CaptionRequest, caption: str) -> str:
    """The caption behind the words that each is to begin with."""
    return ", ".join(part for part in (request.options.prefix.strip(), caption) if part)


def progress_of(done: int, pictures: int) -> Progress:
    """How far a job is; a picture is a step."""
    return Progress(
        step=done, steps=pictures, batch=0, batches=1, sampling_step=done, sampling_steps=pictures
    )


def lease_captioner(captioner: Captioner, context: Context) -> AbstractContextManager[LoadedCaptioner]:
    """A captioner's network while the context is open, held in the budget of all networks."""
    holder = context.models.holder

    def load(place: torch.device) -> LoadedCaptioner:
        return load_captioner(captioner, place, holder.residency)

    key = ("captioner", str(captioner.folder), captioner.size, captioner.mtime_ns)
    return holder.lease(key, load, Loading(captioner.name, captioner.size))
