"""A thread that is there as long as the server: where it ends before its time, another takes its place."""

import logging
import threading
import time
from collections.abc import Callable

from webui.jobs.edge import run_at_edge

logger = logging.getLogger(__name__)
# A thread that ends as soon as it starts must not keep a core busy.
PAUSE_S = 0.2


class LastingThread:
    """Runs `work`, which returns when it is told to; when it ends otherwise, `on_loss` and `work` again.

    A second thread waits for the end of the first. Both are replaced by `ensure`, should they both be lost.
    """

    def __init__(self, name: str, work: Callable[[], None], on_loss: Callable[[], None]) -> None:
        """Nothing runs before `ensure`."""
        self._name, self._work, self._on_loss = name, work, on_loss
        self._lock = threading.Lock()
        self._has_returned = False
        self._worker: threading.Thread | None = None
        self._watcher: threading.Thread | None = None

    def ensure(self) -> None:
        """Start it, or what is lost of it. Call it as often as you like; costs nothing."""
        if self._watcher is not None and self._watcher.is_alive():
            return
        with self._lock:
            if self._has_returned or (self._watcher is not None and self._watcher.is_alive()):
                return
            self._watcher = threading.Thread(target=self._watch, name=f"{self._name} watch", daemon=True)
            self._watcher.start()

    def join(self, timeout_s: float) -> None:
        """Wait until the work has returned."""
        if self._watcher is not None:
            self._watcher.join(timeout_s)

    def _watch(self) -> None:
        while not self._has_returned:
            if self._worker is None or self._worker.ident is None:
                self._worker = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._worker.start()
            self._worker.join()
            self._worker = None
            if not self._has_returned:
                self._replace()

    def _replace(self) -> None:
        logger.error("The thread %s ended before its time and is started again", self._name)
        run_at_edge(self._on_loss, self._log_error)
        time.sleep(PAUSE_S)

    def _run(self) -> None:
        run_at_edge(self._work_to_the_end, self._log_error)

    def _work_to_the_end(self) -> None:
        self._work()
        self._has_returned = True

    def _log_error(self, error: BaseException) -> None:
        logger.error("The thread %s met an error", self._name, exc_info=error)
