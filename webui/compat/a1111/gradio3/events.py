"""Which event's values are being read or written on this thread of work."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PageEvent:
    """`by_host`: it belongs to the host's own page. `outputs` are its components as they are now."""

    by_host: bool
    outputs: Sequence[Any] = ()


_current: ContextVar[PageEvent | None] = ContextVar("gradio3_event", default=None)


def current_event() -> PageEvent | None:
    """The event whose values are being read or written, or None."""
    return _current.get()


@contextmanager
def during(event: PageEvent) -> Generator[None]:
    """Around reading or writing the values of an event."""
    token = _current.set(event)
    try:
        yield
    finally:
        _current.reset(token)
