"""The head of the page with extensions' scripts and styles, and the routes that these ask."""

from typing import Any

from fastapi.staticfiles import StaticFiles

from webui.compat.a1111.host import current
from webui.compat.a1111.javascript.files_route import files_routes
from webui.compat.a1111.javascript.routes import page_routes
from webui.compat.a1111.javascript.tags import SCRIPTS, SCRIPTS_URL, head_tags
from webui.plugins import hookimpl


@hookimpl
def page_head() -> str:
    """Tags for extensions' scripts and styles."""
    return head_tags(current())


@hookimpl
def add_routes(app: Any, services: Any) -> None:  # noqa: ANN401 - as in the specification
    """Scripts of the host, options, and files by `/file=`."""
    host = current()
    app.mount(f"/{SCRIPTS_URL}", StaticFiles(directory=SCRIPTS), name="a1111-scripts")
    app.include_router(page_routes(host))
    own = files_routes(host, services)
    # Before the program's own route of that address, which knows its pictures alone.
    app.router.routes[:0] = own.routes


@hookimpl
def page_served(page: Any, app: Any) -> None:  # noqa: ANN401 - as in the specification
    """Remember the page: a browser's own uploads are known there."""
    host = current()
    host.page, host.app = page, app
