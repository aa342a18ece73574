"""The edge of a thread: the one place of the jobs where an error of any kind is caught."""

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def run_at_edge(action: Callable[[], Result], recover: Callable[[BaseException], Result]) -> Result:
    """Do something that must not end the thread; where it raises, `recover` says what comes of it.

    `recover` runs while the error is handled, so that it may log the trace; what it raises gets through.
    Afterwards nothing holds the error, its frames, or the tensors in them.
    """
    try:
        return action()
    except BaseException as error:  # noqa: BLE001 - what breaks one job must not end the thread
        return recover(error)
