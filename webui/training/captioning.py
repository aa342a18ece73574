"""Pictures described by a network: those of a request, or those of a data set, into their captions."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from PIL import Image

from webui.core.errors import InvalidRequest, NotFound, UnusableFile
from webui.core.events import Captioned, Event, Message, Phase, Progress
from webui.core.work.caption_request import CaptionRequest
from webui.library.captioners.captioner import Captioner
from webui.library.captioners.finding import find_captioner
from webui.models.captioning.description import Description
from webui.models.captioning.loading import lease_captioner
from webui.plugins.context import Context
from webui.store.reading import open_picture
from webui.training.data.captions import find_caption_file, read_caption
from webui.training.data.dataset import CAPTION_SUFFIXES
from webui.training.data.desk import Desk

# Captions are written together that often: a killed server loses no more than this.
WRITE_EACH_S = 10.0


@dataclass(frozen=True, slots=True)
class PictureToDescribe:
    """One to describe. `file` is its name in the data set, or empty; `caption` what it has so far."""

    open: Callable[[], Image.Image]
    file: str = ""
    caption: str = ""


def caption(request: CaptionRequest, context: Context, desk: Desk | None = None) -> Generator[Event]:
    """Describe the pictures one after the other. A stopped job keeps what it has.

    Raises NotFound and UnusableFile for the captioner and for pictures given by reference; a file of a data
    set that cannot be read is named and passed over.
    """
    if context.paths is None:
        raise InvalidRequest("There is no folder of models to look for captioners in.")
    captioner = find_captioner(context.paths.models, request.captioner)
    if request.dataset:
        yield from caption_dataset(request, context, captioner, desk)
        return
    pictures = [PictureToDescribe(lambda at=at: context.inputs.open(at)) for at in request.images]
    for _, event in describe_all(pictures, request, context, captioner):
        yield event


def caption_dataset(
    request: CaptionRequest, context: Context, captioner: Captioner, desk: Desk | None
) -> Generator[Event]:
    """Write captions into a data set. All that one job writes is undone together."""
    if desk is None:
        raise InvalidRequest("There are no data sets here.")
    pictures, kept = pictures_of(request, desk)
    if kept:
        text = "1 picture has a caption, which is kept." if kept == 1 else f"{kept} captions are kept."
        yield Message(text=text, level="info")
    if not pictures:
        return
    writer = CaptionWriter(desk, request.dataset, context.clock)
    try:
        for said, event in describe_all(pictures, request, context, captioner):
            if said is not None:
                writer.take(said)
            yield event
    finally:
        # Also where the job ends before its time: what was described is not lost.
        writer.write()


@dataclass(slots=True)
class CaptionWriter:
    """Writes captions by the data-set desk, several at once, so that they are one change to undo."""

    desk: Desk
    dataset: str
    clock: Callable[[], float]
    waiting: dict[str, str] = field(default_factory=dict[str, str])
    mark: str = field(default_factory=lambda: uuid4().hex)
    written_at: float | None = None

    def take(self, said: Captioned) -> None:
        """Keep a caption, and write all that wait where the last time is long ago. Raises StorageError."""
        self.waiting[said.file] = said.caption
        if self.written_at is None:
            self.written_at = self.clock()
        if self.clock() - self.written_at >= WRITE_EACH_S:
            self.write()

    def write(self) -> None:
        """Write what waits; pictures that are gone meanwhile are passed over. Raises StorageError."""
        waiting, self.waiting, self.written_at = self.waiting, {}, self.clock()
        there = {file: text for file, text in waiting.items() if self.is_there(file)}
        if there:
            self.desk.write_captions(self.dataset, there, self.mark)

    def is_there(self, file: str) -> bool:
        """Whether a picture is still in the data set."""
        try:
            self.desk.picture(self.dataset, file)
        except NotFound:
            return False
        return True


def pictures_of(request: CaptionRequest, desk: Desk) -> tuple[list[PictureToDescribe], int]:
    """The pictures of a data set to describe, and how many keep the caption they have.

    Raises NotFound for files that are none of its pictures.
    """
    files = request.files or [each.name for each in desk.detail(request.dataset).dataset.examples]
    known = [(file, desk.picture(request.dataset, file)) for file in dict.fromkeys(files)]
    pictures = [
        PictureToDescribe(lambda path=path: open_picture(path), file, own_caption(path))
        for file, path in known
    ]
    if request.mode != "missing":
        return pictures, 0
    missing = [each for each in pictures if not each.caption]
    return missing, len(pictures) - len(missing)


def own_caption(path: Path) -> str:
    """What stands in the caption file of a picture; empty where there is none that can be read."""
    file = find_caption_file(path, CAPTION_SUFFIXES)
    try:
        return read_caption(file) if file else ""
    except OSError:
        return ""


def describe_all(
    pictures: list[PictureToDescribe], request: CaptionRequest, context: Context, captioner: Captioner
) -> Generator[tuple[Captioned | None, Event]]:
    """Each event, and with it the caption that it tells of."""
    yield None, Phase(name="Loading captioner", detail=captioner.name)
    with lease_captioner(captioner, context.models.holder) as network:
        for index, picture in enumerate(pictures):
            if context.stop.is_stopped:
                return
            yield None, Phase(name="Captioning", detail=f"picture {index + 1} of {len(pictures)}")
            try:
                image = picture.open()
            except UnusableFile as error:
                if not picture.file:
                    raise
                yield None, Message(text=f"{picture.file} is left out. {error}", level="warning")
            else:
                text = network.describe(image, request.options)
                said = captioned(index, picture, request, text)
                yield said, said
            yield None, progress_of(index + 1, len(pictures))


def captioned(
    index: int, picture: PictureToDescribe, request: CaptionRequest, said: Description
) -> Captioned:
    """The caption that a picture gets, as the request's mode wants it."""
    caption = ", ".join(part for part in (request.options.prefix.strip(), said.caption) if part)
    if request.mode == "append" and picture.caption:
        caption = ", ".join(part for part in (picture.caption, caption) if part)
    return Captioned(index=index, caption=caption, file=picture.file, tags=said.tags)


def progress_of(done: int, pictures: int) -> Progress:
    """How far a job is; a picture is a step."""
    return Progress(
        step=done, steps=pictures, batch=0, batches=1, sampling_step=done, sampling_steps=pictures
    )
