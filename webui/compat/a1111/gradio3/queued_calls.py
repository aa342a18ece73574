"""Functions of extensions' events: in the queue of the device, with errors and times shown on the page."""

import functools
import html
import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from webui.compat.a1111.host import current

logger = logging.getLogger(__name__)
Function = Callable[..., Any]
TASK_PREFIX = "task("


class QueueLock:
    """One at a time, in the order in which they came. Within a job nobody waits: the job itself waited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inner = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._owner: int | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock; waits unless told not to, and then tells whether it was free."""
        me = threading.get_ident()
        with self._inner:
            if self._owner == me or is_in_job():
                self._depth += self._owner == me
                return True
            if self._owner is None:
                self._owner, self._depth = me, 1
                self._lock.acquire(blocking=False)
                return True
            if not blocking:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        with self._inner:
            self._owner, self._depth = me, 1
        return True

    def release(self) -> None:
        """Give the lock to who has waited longest."""
        with self._inner:
            if self._owner != threading.get_ident():
                return
            self._depth -= 1
            if self._depth:
                return
            if self._waiting:
                # Nobody else may take it before the one who is woken.
                self._owner = 0
                self._waiting.popleft().set()
                return
            self._owner = None
            self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()


def is_in_job() -> bool:
    """Whether this thread runs a job."""
    try:
        runs = getattr(current(), "runs", None)
    except RuntimeError:
        return False
    return bool(getattr(runs, "is_in_job", False))


def call_on_device(function: Callable[[], Any], name: str, task_id: str = "") -> Any:  # noqa: ANN401 - what the function gives
    """Run a function as a job of the device's queue, and wait for it."""
    # The rooms of runs load torch.
    calls = import_module("webui.compat.a1111.running.device_calls")
    return calls.call_on_device(function, name, task_id)


def queue_call(function: Function) -> Function:
    """The function as one that waits in the device's queue."""

    @functools.wraps(function)
    def call(*values: Any, **given: Any) -> Any:  # noqa: ANN401 - an extension's own
        return call_on_device(lambda: function(*values, **given), name_of(function))

    return call


def queue_task(function: Function) -> Function:
    """The same where the first value may name a task, whose progress the page asks for."""

    @functools.wraps(function)
    def call(*values: Any, **given: Any) -> Any:  # noqa: ANN401 - an extension's own
        task = (
            values[0] if values and isinstance(values[0], str) and values[0].startswith(TASK_PREFIX) else None
        )
        told = TaskTeller(task)
        told.tell("add_task_to_queue")

        def run() -> Any:  # noqa: ANN401 - an extension's own
            told.begin()
            try:
                result = function(*values, **given)
                told.tell("record_results", result)
                return result
            finally:
                told.end()

        return call_on_device(run, name_of(function), task or "")

    return call


class TaskTeller:
    """Tells `modules.progress` and `shared.state` of a task; without a name only the state."""

    def __init__(self, task: str | None) -> None:
        self._task = task

    def tell(self, what: str, *values: object) -> None:
        """Call one of the functions of `modules.progress`, if it is there."""
        if self._task is None:
            return
        progress = import_module("modules.progress")
        getattr(progress, what, lambda *_: None)(self._task, *values)

    def begin(self) -> None:
        """The task is at work."""
        import_module("modules.shared").state.begin(job=self._task or "")
        self.tell("start_task")

    def end(self) -> None:
        """The task is done."""
        self.tell("finish_task")
        import_module("modules.shared").state.end()


def show_errors(function: Function, extra_outputs: Sequence[Any] | None, *, shows_time: bool) -> Function:
    """The function as one that never fails: in place of its last output, the page shows what went wrong.

    `extra_outputs` are given for the other outputs then. Without a failure the time it took stands below the
    last output, if that is wanted.
    """

    @functools.wraps(function)
    def call(*values: Any, **given: Any) -> Any:  # noqa: ANN401 - an extension's own
        began = time.perf_counter()
        try:
            result = function(*values, **given)
            if not isinstance(result, list | tuple) and not inspect.isgenerator(result):
                return result
            outputs = list(result)
        except Exception as error:  # noqa: BLE001 - an extension's edge
            note(function, error)
            outputs = [*(extra_outputs if extra_outputs is not None else [None, ""]), error_html(error)]
        if shows_time and outputs and isinstance(outputs[-1], str):
            outputs[-1] += time_html(time.perf_counter() - began)
        return tuple(outputs)

    return call


def note(function: Function, error: BaseException) -> None:
    """Keep a failure in the extension's record."""
    logger.warning("%s of an extension failed: %s", name_of(function), error, exc_info=error)
    code = getattr(inspect.unwrap(function), "__code__", None)
    health = current().health
    health.note_failure(health.of_file(code.co_filename) if code else None, name_of(function), error)


def name_of(function: Function) -> str:
    """What to call a function in messages."""
    return getattr(function, "__name__", type(function).__name__)


def error_html(error: BaseException) -> str:
    """A failure as the page shows it."""
    return f"<div class='error'>{html.escape(f'{type(error).__name__}: {error}')}</div>"


def time_html(seconds: float) -> str:
    """How long something took, as the page shows it."""
    minutes, rest = divmod(seconds, 60)
    text = f"{int(minutes)} min. {rest:.1f} sec." if minutes else f"{rest:.1f} sec."
    return (
        "<div class='performance'><p class='time'>Time taken: "
        f"<wbr><span class='measurement'>{text}</span></p></div>"
    )
