"""Calling into an extension's code: what it raises is noted in its health record, and the program goes on."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.loading.modules import as_failure
from webui.compat.a1111.loading.undoing import keep_process
from webui.core.errors import WebuiError
from webui.core.lack_of_memory import is_lack_of_memory
from webui.plugins.importing import Ended, Raised, TimeIsUp, run_within

logger = logging.getLogger(__name__)


def call_extension(
    file: str | Path,
    where: str,
    function: Callable[..., Any],
    *args: Any,  # noqa: ANN401 - whatever the function takes
    default: Any = None,  # noqa: ANN401 - whatever stands for its result
    **kwargs: Any,  # noqa: ANN401 - as above
) -> Any:  # noqa: ANN401 - whatever it gives
    """What a function of the extension that `file` belongs to gives; `default` where it fails.

    WebuiErrors pass, for the artist must see them, and so does a lack of memory, which the queue deals with.
    """
    passing: list[BaseException] = []
    result = default
    with current().health.watch(file, where):
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, WebuiError) or is_lack_of_memory(error):
                passing.append(error)
            else:
                logger.warning("%s failed in %s", Path(file).name, where, exc_info=error)
                raise
    if passing:
        raise passing[0]
    return result


class StartTookTooLong(TimeoutError):
    """A function of an extension did not end while the page was built. The text is a sentence."""


def call_at_start(
    file: str | Path,
    where: str,
    function: Callable[..., Any],
    *args: Any,  # noqa: ANN401 - as in `call_extension`
    default: Any = None,  # noqa: ANN401 - as above
    **kwargs: Any,  # noqa: ANN401 - as above
) -> Any:  # noqa: ANN401 - as above
    """As `call_extension`, while the page is built: with a time limit, and whatever it raises is a failure.

    An extension that did not come back in time is asked for nothing more at this start. What it did to
    functions of Python itself, and to the place where Gradio puts components, is undone.
    """
    host = current()
    record = host.health.of_file(file)
    if record is None:
        return call_extension(file, where, function, *args, default=default, **kwargs)
    if record.name in host.given_up:
        return default
    result = default
    kept = keep_process(record.name, host.health.notes(record.name))
    with host.noted(record.name), host.health.watch(file, where), keep_place(), kept:
        try:
            call = partial(call_with_loop, host, partial(function, *args, **kwargs))
            result = run_within(host.start_limit_s, call, record.folder, host.calls.is_waiting)
        except TimeIsUp:
            error = tell_too_long(record.name, where, host.start_limit_s)
            host.give_up(record.name, str(error))
            raise error from None
        except Raised as raised:
            logger.warning("%s failed in %s", Path(file).name, where, exc_info=raised.error)
            raise as_failure(raised.error) from None
    return result


@dataclass(frozen=True, slots=True)
class StartCall:
    """A call into an extension's code while the page is built; what it gives is nobody's."""

    file: str
    where: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])


def call_each_at_start(calls: Sequence[StartCall]) -> None:
    """Calls for one component of the page, in order, each with the time limit of such a call.

    They share a thread, for there are thousands of components. As with `call_at_start`, an extension that
    does not come back is asked for nothing more, and the others are.
    """
    host = current()
    waiting = deque(calls)
    while waiting:
        turn = Turn(waiting)
        try:
            # Marked meanwhile by the turn, which may be left behind; afterwards as before.
            with host.noted(""):
                run_within(host.component_limit_s, partial(turn.take, host), turn.end, host.calls.is_waiting)
        except TimeIsUp:
            give_up(host, turn)
            waiting = deque(each for each in waiting if each.file != getattr(turn.call, "file", ""))
        except Raised as raised:
            raise raised.error from None


@dataclass(slots=True)
class Turn:
    """Calls that one thread makes. `is_over`: it was left behind, and makes no more of them."""

    waiting: deque[StartCall]
    call: StartCall | None = None
    is_over: bool = False

    def take(self, host: ExtensionHost) -> None:
        """Make the calls, one after another."""
        while self.waiting and not self.is_over:
            self.call = call = self.waiting.popleft()
            record = host.health.of_file(call.file)
            if record is not None and record.name in host.given_up:
                continue
            # Where Gradio puts components stays as it leaves it: some open a group here and close it there.
            function = partial(call.function, *call.args, **call.kwargs)
            watched, name = host.health.watch(call.file, call.where), record.name if record else ""
            if host.starts is not None:
                host.starts.mark(name)
            with watched, keep_process(name, host.health.notes(name)):
                try:
                    call_with_loop(host, function)
                except Ended:
                    # Told by who waited.
                    return
                except BaseException as error:
                    logger.warning("%s failed in %s", Path(call.file).name, call.where, exc_info=error)
                    raise as_failure(error) from None

    def end(self) -> Path | None:
        """It takes too long: no more calls are made. Where the code lies that is being run."""
        self.is_over = True
        record = current().health.of_file(self.call.file) if self.call else None
        return record.folder if record else None


def give_up(host: ExtensionHost, turn: Turn) -> None:
    """Note that the call which is being made did not end."""
    call = turn.call
    record = host.health.of_file(call.file) if call else None
    if call is None or record is None:
        return
    error = tell_too_long(record.name, call.where, host.component_limit_s)
    host.give_up(record.name, str(error))
    host.health.note_failure(record, call.where, error)


def tell_too_long(name: str, where: str, limit_s: float) -> StartTookTooLong:
    """Say which extension was waited for; what to raise about it."""
    sentence = (
        f"The extension {name!r} did not come back from {where} within {limit_s:g} s, so the page has "
        "nothing more of it. It may be waiting for another machine: switch it off, or start the server again."
    )
    logger.warning("%s", sentence)
    return StartTookTooLong(sentence)


def call_with_loop(host: ExtensionHost, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it gives
    """Call a function on a thread that has an event loop, as A1111's main thread does."""
    asyncio.set_event_loop(host.import_loop())
    try:
        return function()
    finally:
        asyncio.set_event_loop(None)


@contextmanager
def keep_place() -> Generator[None]:
    """Afterwards Gradio puts components where it did before, wherever an extension left off."""
    context = getattr(sys.modules.get("gradio.context"), "Context", None)
    if context is None:
        yield
        return
    page, block = context.root_block, context.block
    try:
        yield
    finally:
        context.root_block, context.block = page, block
