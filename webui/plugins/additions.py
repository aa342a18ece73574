"""What extensions add to the application that serves: routes and middleware, never around the guard."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, SupportsIndex


class Middlewares(list[Any]):
    """Middleware, the outermost first. Whatever is put before the `outer` comes right behind them."""

    def __init__(self, outer: Sequence[Any], others: Sequence[Any]) -> None:
        super().__init__([*outer, *others])
        self._outer = len(outer)

    def insert(self, index: SupportsIndex, value: Any, /) -> None:  # noqa: ANN401 - Starlette's
        """As a list's."""
        place = index.__index__()
        super().insert(max(place if place >= 0 else place + len(self), self._outer), value)


@contextmanager
def open_for_additions(app: Any) -> Generator[None]:  # noqa: ANN401 - FastAPI's application
    """Extensions may add middleware and routes, and replace what they like.

    Afterwards, and whatever they add later, what was around the application is around all of it, and their
    routes go before the page.
    """
    guards, routes = list(app.user_middleware), list(app.router.routes)
    try:
        yield
    finally:
        close_again(app, guards, routes)


def close_again(app: Any, guards: Sequence[Any], before: Sequence[Any]) -> None:  # noqa: ANN401 - as above
    """Put the guards around all again, and what was added to the routes before the page."""
    found: list[Any] = []
    # It may be anything by now.
    with suppress(Exception):
        found = [each for each in app.user_middleware if not any(each is guard for guard in guards)]
    app.user_middleware = Middlewares(guards, found)
    # Some of A1111's extensions make the chain themselves, and one could do so in a way of its own.
    app.middleware_stack = None
    app.__dict__.pop("build_middleware_stack", None)
    # The page is mounted at the root and answers everything that comes after it.
    pages = [each for each in before if getattr(each, "path", None) == ""]
    routes = app.router.routes
    routes[:] = [each for each in routes if not any(each is page for page in pages)] + pages
