"""The application that serves, open for what extensions add to it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def open_for_middleware(app: Any) -> Iterator[None]:  # noqa: ANN401 - FastAPI's application
    """Extensions may add middleware and routes; the guard stays around all, and routes go before the page."""
    guards, count = list(app.user_middleware), len(app.router.routes)
    app.middleware_stack = None
    try:
        yield
    finally:
        close_again(app, guards, count)


def close_again(app: Any, guards: Sequence[Any], count: int) -> None:  # noqa: ANN401 - as above
    """Put the guard around all again, and what was added behind the `count` routes before the page."""
    added = [each for each in app.user_middleware if each not in guards]
    # The outermost stands first: nobody gets to an extension's but through the guard.
    app.user_middleware[:] = [*guards, *added]
    app.middleware_stack = None
    routes = app.router.routes
    # The page is mounted at the root and answers everything that comes after it.
    pages = [each for each in routes[:count] if getattr(each, "path", None) == ""]
    routes[:] = [each for each in routes if each not in pages] + pages
