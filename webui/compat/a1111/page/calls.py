"""Calling into an extension's code: what it raises is noted in its health record, and the program goes on."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from webui.compat.a1111.host import current
from webui.core.errors import WebuiError
from webui.core.lack_of_memory import is_lack_of_memory

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
