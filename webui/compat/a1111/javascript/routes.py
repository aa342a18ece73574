"""What scripts of the page ask the host of extensions: its own files, options, and to note what failed."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic_core import to_jsonable_python

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.javascript.card_pages import AddedCards, read_card_pages
from webui.compat.a1111.javascript.failures import PageFailure, note_failure
from webui.compat.a1111.javascript.state import read_options, state_script
from webui.plugins.parts import TabName

FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def page_routes(host: ExtensionHost) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1/a1111")

    @router.get("/state.js", include_in_schema=False)
    def state() -> Response:
        """Options and translations as a script."""
        return Response(state_script(host), media_type="text/javascript", headers=FRESH)

    @router.get("/options")
    def options() -> JSONResponse:
        """All options by key, extensions' own among them."""
        return JSONResponse(to_jsonable_python(read_options(host)), headers=FRESH)

    @router.get("/card-pages")
    def card_pages(tab: TabName, page: str = "", again: bool = False) -> list[AddedCards]:
        """Pages of cards that extensions add; `again` reads their files anew."""
        return read_card_pages(tab, page, again=again)

    @router.post("/failures")
    def add_failure(failure: PageFailure) -> dict[str, Any]:
        """Note what failed in a script of an extension."""
        return {"noted": note_failure(host, failure)}

    return router
