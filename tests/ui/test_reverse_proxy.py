"""The page where a reverse proxy offers it below a path (--subpath): all that it asks for lies below it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.ui import browser as steps

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
PREFIX = "/sd"


@contextmanager
def proxied(address: str, outside: list[str]) -> Iterator[str]:
    """A proxy that hands on what is below PREFIX and notes all else in `outside`; gives the page's URL."""
    client = httpx.AsyncClient(timeout=None)

    async def hand_on(request: Request) -> Response:
        path = request.url.path
        if not path.startswith(f"{PREFIX}/"):
            outside.append(path)
            return Response(status_code=404)
        query = f"?{request.url.query}" if request.url.query else ""
        headers = {
            **request.headers,
            "x-forwarded-host": request.headers["host"],
            "x-forwarded-proto": "http",
        }
        asked = client.build_request(
            request.method,
            address.rstrip("/") + path.removeprefix(PREFIX) + query,
            headers=headers,
            content=await request.body(),
        )
        answer = await client.send(asked, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name != "transfer-encoding"}
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept)

    app = Starlette(routes=[Route("/{path:path}", hand_on, methods=METHODS)])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}{PREFIX}/"
    finally:
        server.should_exit = True
        thread.join(30)


def test_a_picture_is_made_behind_a_proxy_that_offers_the_page_below_a_path(
    chromium, golden_models, tmp_path
):
    (tmp_path / "user.css").write_text("#txt2img_generate { outline: 3px solid rgb(1, 2, 3) }")
    outside: list[str] = []
    program = ("app.py", "--subpath", PREFIX.strip("/"))
    with steps.served(tmp_path, golden_models, program) as own, proxied(own, outside) as address:
        page = chromium.new_page()
        page.goto(address)
        button = page.locator("#txt2img_generate")
        expect(button).to_be_visible(timeout=steps.PATIENCE_MS)
        expect(button).to_have_css("outline-color", "rgb(1, 2, 3)")
        steps.fill_form(page, "a cat", steps=1)
        button.click()
        expect(page.locator("#txt2img_gallery img").first).to_be_visible(timeout=steps.PATIENCE_MS)
        page.close()
    # A browser asks for this one by itself.
    assert set(outside) <= {"/favicon.ico"}
