"""In front of Gradio's routes: those that the page needs are open, files go through our own door."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.core.errors import NotFound
from webui.store.pictures.served_pictures import NOT_SERVED, ServedFile, open_served
from webui.ui.doors.browsers import NOBODY, browser_cookie, browser_in, new_browser_id
from webui.ui.doors.early_head import with_early_html
from webui.ui.doors.page_files import PageFiles

API = "/gradio_api"
# Both spellings that Gradio knows.
FILE_PREFIXES = (f"{API}/file=", f"{API}/file/")
UPLOAD = f"{API}/upload"
# Gradio has some thirty routes more: they fetch from other sites, run functions of components, list what ran,
# change the program. The page needs none of them, and each would be one more door to watch.
OPEN_PATHS = frozenset({
    "/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", "/login", "/logout",
    UPLOAD, f"{API}/upload_progress", f"{API}/user", f"{API}/login_check", f"{API}/app_id", f"{API}/info",
    f"{API}/startup-events", f"{API}/queue/join", f"{API}/queue/data", f"{API}/queue/status",
    f"{API}/cancel", f"{API}/reset", f"{API}/theme.css",
})  # fmt: skip
# The program's own scripts and fonts; events by name, and whether the page is still open.
OPEN_PREFIXES = (
    "/static/",
    "/assets/",
    "/svelte/",
    f"{API}/run/",
    f"{API}/api/",
    f"{API}/call/",
    f"{API}/heartbeat/",
)
LINK_QUERIES = ("page", "deep_link")
KnowsUser = Callable[[Mapping[str, str]], bool]


class PageRoutes:
    """Pure ASGI middleware around the mounted page. `knows_user` tells by cookies who may see the page.

    `early_head` and `early_body` stand in the page's HTML before Gradio's own scripts run.
    """

    def __init__(
        self,
        app: ASGIApp,
        files: PageFiles,
        knows_user: KnowsUser,
        early_head: str = "",
        early_body: str = "",
    ) -> None:
        self.app = app
        self._files = files
        self._knows_user = knows_user
        self._early_head, self._early_body = early_head.encode(), early_body.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, answer it here, or refuse it."""
        if scope["type"] == "websocket":
            # Gradio has none.
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = path_below_mount(scope)
        if path.startswith(FILE_PREFIXES):
            answer = await self._give_file(Request(scope), path[len(FILE_PREFIXES[0]) :])
            await answer(scope, receive, send)
        elif path.rstrip("/") == UPLOAD:
            await self._take_upload(scope, receive, send)
        elif path == "/":
            send = with_early_html(with_browser_id(scope, send), self._early_head, self._early_body)
            await self.app(uncompressed(without_links(scope)), receive, send)
        elif path in OPEN_PATHS or path.removesuffix("/") in OPEN_PATHS or path.startswith(OPEN_PREFIXES):
            await self.app(without_links(scope), receive, send)
        else:
            await refusal(404, "The page has no such address.")(scope, receive, send)

    async def _give_file(self, request: Request, path: str) -> Response:
        if not self._knows_user(request.cookies):
            return refusal(401, "Log in to the page first.")
        if request.method not in ("GET", "HEAD"):
            return refusal(405, "A file can only be read here.")
        found = self._files.may_use(browser_in(request.cookies), path)
        try:
            if found is None:
                raise NotFound(NOT_SERVED)
            served = await run_in_threadpool(open_served, found)
        except NotFound as error:
            return refusal(404, str(error))
        return answer_with(served, request)

    async def _take_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Gradio keep what is uploaded, and note whose it is before the browser hears of it."""
        browser = browser_in(Request(scope).cookies)
        owners = {browser} if browser else {NOBODY, new_browser_id()}
        told = bytearray()

        async def note(message: Message) -> None:
            if message["type"] == "http.response.body":
                told.extend(message.get("body", b""))
                if not message.get("more_body"):
                    for owner in owners:
                        self._files.note(owner, uploaded_paths(bytes(told)))
            await send(message)

        given = max(owners) if not browser else None
        await self.app(uncompressed(scope), receive, with_browser_id(scope, note, given))


def path_below_mount(scope: Scope) -> str:
    """The path as Gradio's routes see it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def with_browser_id(scope: Scope, send: Send, given: str | None = None) -> Send:
    """Gives a browser that has no id one with the answer: `given`, or a new one."""
    if browser_in(Request(scope).cookies):
        return send

    async def add_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            cookie = browser_cookie(given or new_browser_id(), scope)
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return add_cookie


def without_links(scope: Scope) -> Scope:
    """The same request without the queries by which Gradio opens stored pages: this page has none."""
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    kept = [pair for pair in query if pair[0] not in LINK_QUERIES]
    return scope if kept == query else {**scope, "query_string": urlencode(kept).encode()}


def uncompressed(scope: Scope) -> Scope:
    """The same request from somebody who reads only plain answers."""
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}


def uploaded_paths(answer: bytes) -> list[str]:
    """The paths in Gradio's answer to an upload; none if it was refused."""
    try:
        told = json.loads(answer)
    except ValueError:
        return []
    return [path for path in told if isinstance(path, str)] if isinstance(told, list) else []


def answer_with(served: ServedFile, request: Request) -> Response:
    """An open file as an answer; without its bytes where the browser has them already."""
    headers = served.headers
    if request.headers.get("if-none-match") == headers["ETag"]:
        served.file.close()
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(served.size)
    if request.method == "HEAD":
        served.file.close()
        return Response(headers=headers)
    return StreamingResponse(served.chunks(), headers=headers)


def refusal(status: int, text: str) -> Response:
    """A sentence."""
    return JSONResponse({"error": "Refused", "detail": text}, status_code=status)
