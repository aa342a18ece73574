"""Finished pictures onto the disk, one by one as they come, and a grid at the end."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import cast, get_args

from webui.core.errors import StorageError
from webui.core.events import Event, ImageReady, ImageSaved, Keeping, Message
from webui.core.request import GenerationRequest
from webui.jobs.job import Job
from webui.store.encoding import PictureNotes
from webui.store.filenames import NameFacts
from webui.store.grid import grid_rows, image_grid
from webui.store.history import REQUEST_ITEM, History
from webui.store.images import ImageFiles, SavedPicture, Tab, picture_folder

logger = logging.getLogger(__name__)
# The grid stands before the pictures.
GRID_INDEX = -1


class PictureSaver:
    """Saves as the job's settings and delivery say."""

    def __init__(self, files: ImageFiles, history: History) -> None:
        self._files = files
        self._history = history

    def save(self, ready: ImageReady, job: Job) -> Iterator[Event]:
        """Write one picture; its path is empty where it is not to be saved. A full disk is a warning.

        What is not to be shown is not told of.
        """
        path = ""
        if ready.is_saved and self._wanted(job):
            try:
                path = self._write(ready, job)
            except StorageError as error:
                yield Message(text=str(error), level="warning")
        if not ready.is_shown:
            return
        if not path:
            # So that the page can still show it.
            job.keep(ready)
        yield saved(ready, path)

    def _wanted(self, job: Job) -> bool:
        saving = job.settings.saving
        is_whole = saving.save_incomplete_images or not job.halt.ends_batch
        return job.delivery.save_samples and saving.samples_save and is_whole

    def _write(self, ready: ImageReady, job: Job) -> str:
        request = ready.request or job.generation
        if ready.keeping is not None:
            written = self._write_kept(ready, ready.keeping, job)
        else:
            folder = picture_folder(job.settings.folders, tab_of(job))
            facts = NameFacts.of(request, ready.index, ready.seed, ready.facts, started=started(job))
            notes = PictureNotes(ready.infotext, exact_request(ready, job))
            written = self._files.save(
                ready.image, notes, facts, job.settings.saving, folder, suffix=ready.aside
            )
        if not ready.aside:
            if ready.index == 0 and request:
                self._files.remember_last(ready.infotext)
            self._history.add(written.path, ready.infotext, request=request, seed=ready.seed)
        if written.warning:
            logger.warning("%s", written.warning)
        return str(written.path)

    def _write_kept(self, ready: ImageReady, keeping: Keeping, job: Job) -> SavedPicture:
        """A picture that says itself how it is kept: its own name and folder, not sorted into subfolders."""
        folder = keeping.folder or picture_folder(job.settings.folders, tab_of(job))
        facts = NameFacts(index=ready.index, started=started(job))
        notes = PictureNotes(ready.infotext, keeping.items, keeping.section)
        return self._files.save(
            ready.image,
            notes,
            facts,
            job.settings.saving,
            folder,
            in_subfolder=False,
            name=keeping.name or None,
        )

    def save_grid(self, pictures: list[ImageReady], job: Job) -> Iterator[Event]:
        """Write the sheet of all results where there are several and the settings want it."""
        pictures = [ready for ready in pictures if not ready.aside]
        saving = job.settings.saving
        wanted = job.delivery.save_grid and (saving.grid_save or saving.return_grid)
        if len(pictures) < 2 or not wanted or job.generation is None:
            return
        rows = grid_rows(len(pictures), saving.n_rows, job.generation.batch_size)
        sheet = image_grid([ready.image for ready in pictures], rows)
        first = pictures[0]
        ready = first.model_copy(update={"index": GRID_INDEX, "image": sheet, "latent": ""})
        try:
            path = self._write_grid(ready, job) if saving.grid_save else ""
        except StorageError as error:
            yield Message(text=str(error), level="warning")
            path = ""
        if saving.return_grid:
            if not path:
                job.keep(ready)
            yield saved(ready, path)

    def _write_grid(self, ready: ImageReady, job: Job) -> str:
        folder = picture_folder(job.settings.folders, tab_of(job), grid=True)
        facts = NameFacts.of(job.generation, 0, ready.seed, ready.facts, started=started(job))
        written = self._files.save_grid(
            ready.image, PictureNotes(ready.infotext), facts, job.settings.saving, folder
        )
        return str(written.path)


def saved(ready: ImageReady, path: str) -> ImageSaved:
    """The event for a picture that was dealt with."""
    return ImageSaved(
        index=ready.index,
        path=path,
        infotext=ready.infotext,
        seed=ready.seed,
        variation_seed=ready.variation_seed,
        width=ready.image.width,
        height=ready.image.height,
        aside=ready.aside,
        latent=ready.latent,
    )


def started(job: Job) -> datetime:
    """When the job was made, with a time zone."""
    return datetime.fromtimestamp(job.created).astimezone()


def exact_request(ready: ImageReady, job: Job) -> dict[str, str]:
    """The whole request beside A1111's infotext, which leaves some options out."""
    return {REQUEST_ITEM: (ready.request or job.generation or job.request).model_dump_json()}


def tab_of(job: Job) -> Tab:
    """The tab whose folders are used; the API's pictures go where the page's go."""
    tab = job.delivery.tab
    if tab in get_args(Tab):
        return cast(Tab, tab)
    request = job.request
    return "img2img" if isinstance(request, GenerationRequest) and request.is_img2img else "txt2img"
