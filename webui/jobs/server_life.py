"""The server that runs, for whoever may end it or have it start anew."""

import logging
import threading
import uuid
from collections.abc import Callable

from webui.core.errors import NotOffered

logger = logging.getLogger(__name__)


class ServerLife:
    """From the time the server answers until it ends. Any thread may tell it to end.

    `identity` is another one after each start, so that a page notices that the server began anew.
    """

    def __init__(self) -> None:
        self.identity = uuid.uuid4().hex
        self.wants_restart = False
        self._end: Callable[[], object] | None = None
        self._is_ending = False
        self._lock = threading.Lock()

    def begin(self, end: Callable[[], object]) -> None:
        """The server answers from now on; `end` tells it to end in order."""
        with self._lock:
            self._end = end

    @property
    def is_serving(self) -> bool:
        """Whether it can be told to end: not while it starts, and not where another program serves it."""
        return self._end is not None

    def stop(self) -> None:
        """End in order: jobs are cancelled, what is made is saved, waiting calls are answered."""
        self._tell_end(restarts=False)

    def restart(self) -> None:
        """End in order and start anew, at the same address. Raises NotOffered, as `stop`."""
        self._tell_end(restarts=True)

    def _tell_end(self, *, restarts: bool) -> None:
        with self._lock:
            end = self._end
            if end is None:
                raise NotOffered(
                    "The server cannot end itself now: it is starting, or another program serves it. Wait "
                    "until it answers, or have whatever started it start it again."
                )
            # Whoever wants it to end for good is not overruled.
            self.wants_restart = restarts and (self.wants_restart or not self._is_ending)
            self._is_ending = True
        logger.info("The server starts anew" if restarts else "The server ends")
        end()
