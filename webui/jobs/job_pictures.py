"""The results of a job, one after another, for its grid: their pixels lie in a file, not in memory."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from webui.core.errors import StorageError
from webui.core.events import ImageReady, Message
from webui.jobs.job import Job
from webui.store.pictures.picture_spool import PictureSpool

# A1111's bound for grids (its option "Maximum image size"): a sheet of more takes 600 MB, and hardly a viewer
# opens it.
MOST_GRID_PIXELS = 200_000_000
PLACEHOLDER = Image.new("1", (1, 1))


def wants_grid(job: Job) -> bool:
    """Whether a sheet of the job's results is asked for. Only a job with one request has one.

    Scripts make their own.
    """
    saving, generation = job.settings.saving, job.generation
    if generation is None or generation.script:
        return False
    return job.delivery.save_grid and (saving.grid_save or saving.return_grid)


class JobPictures:
    """Iterate as often as you like: each time the results as they were added, one in memory at a time.

    Beyond the largest grid it lets go of all, and is empty. So it does where the disk has no room.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is for a temporary file."""
        self._spool = PictureSpool(folder)
        self._events: list[ImageReady] = []
        self.are_too_many = False
        self._count = 0

    def add(self, ready: ImageReady) -> None:
        """One more result."""
        self._count += 1
        if self.are_too_many:
            return
        self._events.append(ready)
        # Most jobs make one picture, which needs no file: it has no grid.
        if self._count == 1:
            return
        try:
            for number in range(len(self._spool), self._count):
                self._spool.add(self._events[number].image)
                self._events[number] = self._events[number].model_copy(update={"image": PLACEHOLDER})
            self.are_too_many = self._spool.pixels > MOST_GRID_PIXELS
        except StorageError:
            self.are_too_many = True
        if self.are_too_many:
            self.close()

    def __iter__(self) -> Iterator[ImageReady]:
        for number, event in enumerate(self._events):
            yield event.model_copy(update={"image": self._spool.get(number)}) if len(self._spool) else event

    def too_many_message(self) -> Message:
        """What to tell the artist."""
        limit = MOST_GRID_PIXELS // 1_000_000
        text = (
            f"There is no grid of the {self._count} pictures: it would have more than {limit} megapixels, or "
            "the disk has no room for it. Make fewer at once to get one."
        )
        return Message(text=text, level="warning")

    def close(self) -> None:
        """Let go of the pictures."""
        self._spool.close()
        self._events.clear()
