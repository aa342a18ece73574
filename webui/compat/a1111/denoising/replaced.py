"""Whether an extension replaced something, and calls into what it put there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from webui.compat.a1111 import host
from webui.compat.a1111.denoising.function_steps import SamplingStopped
from webui.core.errors import WebuiError
from webui.core.lack_of_memory import is_lack_of_memory


def is_replaced(instance: object, name: str, base: type) -> bool:
    """Whether a method of an instance is another than its base has: put on it, on a class, or in one."""
    return getattr(getattr(instance, name), "__func__", None) is not ORIGINALS.get(
        (base, name), base.__dict__[name]
    )


# Methods as they were made, for those that extensions replace on the class itself.
ORIGINALS: dict[tuple[type, str], Any] = {}


def remember(base: type, *names: str) -> None:
    """Keep methods of a class as they are made."""
    for name in names:
        ORIGINALS[base, name] = base.__dict__[name]


@contextmanager
def watched(function: Callable[..., Any], where: str) -> Generator[None]:
    """Around a call into an extension's code that may stop sampling: what else it raises is noted.

    Sentences for the artist, a lack of memory, and the end of sampling pass.
    """
    passed: list[BaseException] = []
    try:
        health = host.current().health
    except RuntimeError:
        yield
        return
    with health.watch(file_of(function), where):
        try:
            yield
        except (WebuiError, SamplingStopped) as error:
            passed.append(error)
        except Exception as error:
            if not is_lack_of_memory(error):
                raise
            passed.append(error)
    if passed:
        raise passed[0]


def file_of(function: Callable[..., Any]) -> str:
    """Where a function was written; empty where nobody knows."""
    try:
        return inspect.getfile(inspect.unwrap(function))
    except TypeError:
        return ""
