"""What carries out requests: something with a `run` that yields events."""

from collections.abc import Callable, Generator
from typing import Protocol

from webui.core.events import Event
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work.kinds import WorkRequest

Emit = Callable[[Event], None]


class Worker(Protocol):
    """Runs one request at a time, always on the same thread."""

    def run(self, request: WorkRequest, settings: Settings, stop: Stop, emit: Emit) -> Generator[Event]:
        """Yield what happens. Closing the iterator cancels and puts everything back.

        What happens within one step, such as a picture that an extension makes on the way, is told to `emit`.
        """
        ...
