"""Finished pictures onto the disk, one by one as they come, and a grid at the end."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

from PIL.Image import Image

from webui.core.errors import InvalidRequest, StorageError
from webui.core.events import Event, ImageReady, ImageSaved, Message, SaveAs
from webui.core.request import GenerationRequest
from webui.jobs.job import Job
from webui.jobs.job_pictures import wants_grid
from webui.jobs.saving_moments import SavingMoments
from webui.plugins.host import Plugins
from webui.plugins.moments import GridMoment
from webui.store.files.folder_rules import FolderRules
from webui.store.last_infotexts import LastInfotexts
from webui.store.pictures.filenames import NameFacts
from webui.store.pictures.grid import columns_of, grid_of, grid_rows
from webui.store.pictures.history import REQUEST_ITEM, History
from webui.store.pictures.images import ImageFiles, SavedPicture, Tab, picture_folder
from webui.store.pictures.unsaved import UnsavedPictures
from webui.store.texts.encoding import PictureNotes

logger = logging.getLogger(__name__)
# The grid stands before the pictures.
GRID_INDEX = -1


class PictureSaver:
    """Saves as the job's settings and delivery say."""

    def __init__(
        self,
        files: ImageFiles,
        history: History,
        unsaved: UnsavedPictures | None = None,
        remembered: Callable[[], Collection[Job]] = tuple,
        last: LastInfotexts | None = None,
        plugins: Plugins | None = None,
        rules: FolderRules | None = None,
    ) -> None:
        """`unsaved` takes what is only to be shown; without it, such pictures stay in the job's log. `last`
        takes the infotexts for the paste arrow.

        `remembered` are the jobs that a page may still show: their pictures stay. `rules` are for files that
        extensions want elsewhere.
        """
        self._moments = SavingMoments(plugins or Plugins(), rules)
        self._files = files
        self._history = history
        self._unsaved = unsaved
        self._remembered = remembered
        self._last = last
        self._trimmed_for = ""

    def save(self, ready: ImageReady, job: Job) -> Iterator[Event]:
        """Write one picture; its path is empty where it is not to be saved. What is not shown gives no
        event.

        Raises StorageError if it could not be written, after its event: the page can show it all the same.
        """
        path, problem = "", None
        if is_to_be_saved(ready, job):
            try:
                ready, messages = self._moments.before(ready, job)
                yield from messages
                written = self._write(ready, job)
                path = str(written.path)
                yield from self._moments.after(ready, job, written.path)
                yield from self._record(written, ready, job)
            except StorageError as error:
                problem = error
        if ready.is_shown:
            if not path:
                self._keep_for_page(ready, job)
            yield describe_saved(ready, path)
        if problem is not None:
            raise problem

    def _write(self, ready: ImageReady, job: Job) -> SavedPicture:
        save_as = ready.save_as
        if save_as is not None and not save_as.as_usual:
            return self._write_as(ready, save_as, job)
        folder = (save_as and save_as.folder) or picture_folder(job.settings.folders, tab_of(job))
        request = ready.request or job.generation
        facts = NameFacts.of(request, ready.index, ready.seed, ready.facts, started=start_time(job))
        notes = PictureNotes(ready.infotext, describe_exactly(ready, job) | self._moments.items)
        return self._files.save(ready.image, notes, facts, job.settings.saving, folder, suffix=ready.aside)

    def _record(self, written: SavedPicture, ready: ImageReady, job: Job) -> Iterator[Message]:
        """Note a picture that was written in the history; if that cannot be, the picture is there still."""
        if written.warning:
            logger.warning("%s", written.warning)
        if ready.aside or is_sheet(ready):
            return
        request = ready.request or job.generation
        try:
            if ready.index == 0 and request:
                self._remember_last(ready.infotext, job.delivery.owner)
            self._history.add(written.path, ready.infotext, request=request, seed=ready.seed)
        except StorageError as error:
            yield Message(text=str(error), level="warning")

    def _remember_last(self, infotext: str, owner: str) -> None:
        """For the owner's paste arrow; A1111's params.txt tells programs beside of anybody's."""
        self._files.remember_last(infotext)
        if owner and self._last is not None:
            self._last.remember(owner, infotext)

    def _keep_for_page(self, ready: ImageReady, job: Job) -> None:
        """In a file for the page to show; in the job's log for a caller who waits for the picture itself."""
        if self._unsaved is None or job.delivery.keep_images:
            # Nobody watches such a job.
            if not ready.is_passing:
                job.keep(ready)
            return
        try:
            self._unsaved.write(job.id, ready.index, ready.aside, ready.image, ready.infotext)
            if self._trimmed_for != job.id:
                self._trimmed_for = job.id
                self._unsaved.trim(keep={job.id} | find_shown_folders(self._remembered()))
        except StorageError as error:
            logger.warning("%s", error)
            job.keep(ready)

    def _write_as(self, ready: ImageReady, save_as: SaveAs, job: Job) -> SavedPicture:
        """A picture that says itself how it is kept: its own name and folder, not sorted into subfolders."""
        if save_as.sheet:
            return self._write_sheet(ready, job, save_as.sheet)
        folder = save_as.folder or picture_folder(job.settings.folders, tab_of(job))
        facts = NameFacts(index=ready.index, started=start_time(job))
        notes = PictureNotes(
            ready.infotext, save_as.items | self._moments.items, save_as.section, save_as.caption
        )
        return self._files.save(
            ready.image,
            notes,
            facts,
            job.settings.saving,
            folder,
            in_subfolder=False,
            name=save_as.name or None,
        )

    def save_grid(self, pictures: Iterable[ImageReady], job: Job) -> Iterator[Event]:
        """Write the sheet of all results where there are several and the settings want it.

        `pictures` are gone through twice: first for their sizes, then for their pixels.
        """
        if not wants_grid(job) or job.generation is None:
            return
        sizes = [ready.image.size for ready in pictures if not ready.aside]
        if len(sizes) < 2:
            return
        saving = job.settings.saving
        rows = grid_rows(len(sizes), saving.n_rows, job.generation.batch_size)
        results = (ready for ready in pictures if not ready.aside)
        grid = GridMoment(
            columns_of(len(sizes), rows), rows, lambda: [each.image for each in pictures if not each.aside]
        )
        yield from self._moments.arrange(grid)
        try:
            sheet = draw_grid(grid, sizes, (ready.image for ready in results))
        except InvalidRequest as error:
            yield Message(text=f"An extension changed the grid: {error}", level="warning")
            sheet = grid_of(sizes, (ready.image for ready in pictures if not ready.aside), rows)
        first = next(ready for ready in pictures if not ready.aside)
        ready = first.model_copy(update={"index": GRID_INDEX, "image": sheet, "latent": ""})
        try:
            path = self._write_grid(ready, job) if saving.grid_save else ""
        except StorageError as error:
            yield Message(text=str(error), level="warning")
            path = ""
        if saving.return_grid:
            if not path:
                self._keep_for_page(ready, job)
            yield describe_saved(ready, path)

    def _write_grid(self, ready: ImageReady, job: Job) -> str:
        return str(self._write_sheet(ready, job).path)

    def _write_sheet(self, ready: ImageReady, job: Job, name: str = "") -> SavedPicture:
        """Among the grids; one with a `name` of its own is called as pictures are after it, as in A1111."""
        folder = picture_folder(job.settings.folders, tab_of(job), grid=True)
        request = (ready.request or job.generation) if name else job.generation
        facts = NameFacts.of(request, 0, ready.seed, ready.facts, started=start_time(job))
        notes = PictureNotes(ready.infotext)
        return self._files.save_grid(ready.image, notes, facts, job.settings.saving, folder, name)


def draw_grid(grid: GridMoment, sizes: list[tuple[int, int]], images: Iterable[Image]) -> Image:
    """The sheet as extensions left it; `images` of these `sizes` where they did not look at them.

    Raises InvalidRequest.
    """
    columns, rows = grid.columns, grid.rows
    if not (isinstance(columns, int) and isinstance(rows, int) and columns > 0 and rows > 0):  # pyright: ignore[reportUnnecessaryIsInstance] - strangers' values
        raise InvalidRequest(f"it has {columns!r} columns and {rows!r} rows; it is drawn without the change.")
    if grid.was_read:
        images = list(grid.images)
        if not images or not all(isinstance(each, Image) for each in images):  # pyright: ignore[reportUnnecessaryIsInstance] - the same
            raise InvalidRequest("its pictures are none any more; it is drawn without the change.")
        sizes = [each.size for each in images]
    return grid_of(sizes, images, rows, columns=columns)


def find_shown_folders(jobs: Collection[Job]) -> set[str]:
    """Names of the folders of unsaved pictures that these jobs show: their own, and those of earlier jobs."""
    earlier = (picture for job in jobs for picture in job.delivery.earlier.pictures)
    return {job.id for job in jobs} | {Path(picture.path).parent.name for picture in earlier}


def describe_saved(ready: ImageReady, path: str) -> ImageSaved:
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
        is_passing=ready.is_passing,
    )


def is_sheet(ready: ImageReady) -> bool:
    """Whether it is a script's sheet of pictures."""
    return ready.save_as is not None and bool(ready.save_as.sheet)


def is_to_be_saved(ready: ImageReady, job: Job) -> bool:
    """Whether the settings and the delivery want its file."""
    if is_sheet(ready):
        return ready.is_saved and job.delivery.save_grid and job.settings.saving.grid_save
    return ready.is_saved and job.delivery.save_samples and job.settings.saving.samples_save


def start_time(job: Job) -> datetime:
    """When the job was made, with a time zone."""
    return datetime.fromtimestamp(job.created).astimezone()


def describe_exactly(ready: ImageReady, job: Job) -> dict[str, str]:
    """The whole request beside A1111's infotext, which leaves some options out."""
    return {REQUEST_ITEM: (ready.request or job.generation or job.request).model_dump_json()}


def tab_of(job: Job) -> Tab:
    """The tab whose folders are used; the API's pictures go where the page's go."""
    tab = job.delivery.tab
    if tab in get_args(Tab):
        return cast(Tab, tab)
    request = job.request
    return "img2img" if isinstance(request, GenerationRequest) and request.is_img2img else "txt2img"
