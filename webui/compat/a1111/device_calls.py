"""Functions of extensions that wait for the device's thread."""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass(slots=True)
class DeviceCall:
    """A function that waits for the device, and what it came to."""

    function: Callable[[], Any]
    name: str
    result: Any = None
    error: BaseException | None = None
    is_done: bool = False


@dataclass(slots=True)
class DeviceCalls:
    """Those that wait, by token. Any thread."""

    waiting: dict[str, DeviceCall] = field(default_factory=dict[str, DeviceCall])
    lock: threading.Lock = field(default_factory=threading.Lock)
    # Threads that wait for a job of theirs.
    _waiting_threads: set[int] = field(default_factory=set[int])

    def add(self, call: DeviceCall) -> str:
        """Let a call wait; its token."""
        token = uuid.uuid4().hex
        with self.lock:
            self.waiting[token] = call
        return token

    def take(self, token: str) -> DeviceCall | None:
        """The call of a token, which waits no more."""
        with self.lock:
            return self.waiting.pop(token, None)

    @contextmanager
    def note_waiting(self) -> Generator[None]:
        """Meanwhile this thread waits for a job."""
        thread = threading.get_ident()
        with self.lock:
            self._waiting_threads.add(thread)
        try:
            yield
        finally:
            with self.lock:
                self._waiting_threads.discard(thread)

    def is_waiting(self, thread: int) -> bool:
        """Whether a thread, by its ident, waits for a job."""
        with self.lock:
            return thread in self._waiting_threads
