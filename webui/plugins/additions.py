"""What extensions add to the application that serves: routes and middleware, never around the guard."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, SupportsIndex

from starlette.routing import Match

logger = logging.getLogger(__name__)


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

    Afterwards, and whatever they add later, what was around the application is around all of it. Their routes
    go before the page and behind the program's own, all of which are there again. Those of extensions that
    come with the program go behind theirs: of one name, the artist's is meant.
    """
    guards, routes = list(app.user_middleware), list(app.router.routes)
    try:
        yield
    finally:
        close_again(app, guards, routes)


def close_again(app: Any, guards: Sequence[Any], before: Sequence[Any]) -> None:  # noqa: ANN401 - as above
    """Put the guards around all again, and the routes that were added between the program's and the page."""
    found: list[Any] = []
    # It may be anything by now.
    with suppress(Exception):
        found = [each for each in app.user_middleware if not any(each is guard for guard in guards)]
    app.user_middleware = Middlewares(guards, found)
    # Some of A1111's extensions make the chain themselves, and one could do so in a way of its own.
    app.middleware_stack = None
    app.__dict__.pop("build_middleware_stack", None)
    # The page is mounted at the root and answers everything that comes after it.
    pages = find_pages(before)
    taken_by_pages = paths_of(pages)
    bundled = [each for each in before if is_bundled(each)]
    own = [each for each in before if not any(each is other for other in (*pages, *bundled))]
    routes = app.router.routes
    added = [each for each in routes if not any(each is known for known in before)]
    doubles = [each for each in added if getattr(each, "path", None) in taken_by_pages]
    routes[:] = [*own, *(each for each in added if each not in doubles), *bundled, *pages, *doubles]
    note = [address for each in added for address in taken_addresses(each, before)]
    if note:
        logger.warning("Extensions want to answer at %s, where the program does", ", ".join(note))


def find_pages(routes: Sequence[Any]) -> list[Any]:
    """Those that are mounted at the root."""
    return [each for each in routes if getattr(each, "path", None) == ""]


def paths_of(pages: Sequence[Any]) -> set[str]:
    """The paths of routes of pages that are mounted at the root."""
    inner = [each for page in pages for each in getattr(page, "routes", None) or ()]
    return (
        {"/", ""} | {str(path) for each in inner if (path := getattr(each, "path", None))} if pages else set()
    )


def taken_addresses(route: Any, before: Sequence[Any]) -> list[str]:  # noqa: ANN401 - Starlette's routes
    """Where a route that was added would answer what the program does: "POST /sdapi/v1/txt2img"."""
    path, methods = getattr(route, "path", None), getattr(route, "methods", None) or {"GET"}
    if not isinstance(path, str):
        return []
    pages = find_pages(before)
    taken_by_pages = paths_of(pages)
    own = [each for each in before if each not in pages and not is_bundled(each)]
    return [
        f"{method} {path or '/'}"
        for method in sorted(methods - {"HEAD", "OPTIONS"})
        if path in taken_by_pages or any(does_answer(each, path, method) for each in own)
    ]


def is_bundled(route: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a route is of an extension that comes with the program."""
    return str(getattr(getattr(route, "endpoint", None), "__module__", "")).startswith("extensions.")


def does_answer(route: Any, path: str, method: str) -> bool:  # noqa: ANN401 - as above
    """Whether a route is one for this path and method."""
    asked: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    try:
        return route.matches(asked)[0] is Match.FULL
    except Exception:  # noqa: BLE001 - a route of any kind
        return False
