"""The history of a new database comes back from the pictures themselves, in the background."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from webui.core.errors import WebuiError
from webui.core.settings import Folders
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles, Tab, picture_folder

logger = logging.getLogger(__name__)
TABS: tuple[Tab, ...] = ("txt2img", "img2img", "extras")
# The page and the first model come first.
BEGINS_AFTER_S = 5.0


def output_folders(files: ImageFiles, folders: Folders) -> list[Path]:
    """Where the pictures of the history lie."""
    return [files.folder(picture_folder(folders, tab)) for tab in TABS]


class HistoryGathering:
    """Goes through the output folders once in the life of a database. Takes half of one processor at most."""

    def __init__(
        self, history: History, folders: Callable[[], Sequence[Path]], after_s: float = BEGINS_AFTER_S
    ) -> None:
        self._history = history
        self._folders = folders
        self._after_s = after_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)

    def start(self) -> None:
        """Begin, if there is anything to do."""
        if not self._history.is_whole:
            self._thread.start()

    def close(self) -> None:
        """Stop after the step that runs; the next start begins again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _work(self) -> None:
        pause_s, found = self._after_s, 0
        try:
            steps = self._history.gather(self._folders())
            while not self._stop.wait(pause_s):
                began = time.monotonic()
                count = next(steps, None)
                if count is None:
                    break
                found += count
                pause_s = time.monotonic() - began
        except WebuiError as error:
            logger.warning("The history could not be gathered from the pictures: %s", error)
        if found:
            logger.info("Found %d earlier pictures for the history", found)
