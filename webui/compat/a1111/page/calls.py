"""Calling into an extension's code: what it raises is noted in its health record, and the program goes on."""

import asyncio
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.loading.modules import as_failure
from webui.compat.a1111.loading.undoing import keep_builtins
from webui.core.errors import WebuiError
from webui.core.lack_of_memory import is_lack_of_memory
from webui.plugins.importing import Raised, TimeIsUp, run_within

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
    with host.health.watch(file, where), keep_place(), keep_builtins(record.name):
        try:
            call = partial(call_with_loop, host, partial(function, *args, **kwargs))
            result = run_within(host.start_limit_s, call, record.folder)
        except TimeIsUp:
            host.given_up.add(record.name)
            raise tell_too_long(record.name, where, host.start_limit_s) from None
        except Raised as raised:
            logger.warning("%s failed in %s", Path(file).name, where, exc_info=raised.error)
            raise as_failure(raised.error) from None
    return result


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
