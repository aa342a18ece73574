"""What stands in the page's HTML before Gradio's scripts run."""

import asyncio
import re
from typing import NoReturn

import pytest
from fastapi.testclient import TestClient
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from webui.core.flags import read_flags
from webui.main import build_app, build_services
from webui.ui.doors.early_head import with_early_html
from webui.ui.page import ASK_BEFORE_LEAVING

PAGE = "<html><head><title>ä</title></head><body>1 < 2</body></html>"
ADDED, EARLY = "<script>first()</script>", "<p>Loading</p>"


def sent_by(answer: Response) -> tuple[dict[str, str], bytes]:
    """Headers and body that a browser gets."""
    messages = []

    async def keep(message):
        messages.append(message)

    async def receive() -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nobody goes away")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.4"}}
    asyncio.run(answer(scope, receive, with_early_html(keep, ADDED.encode(), EARLY.encode())))
    assert [message["type"] for message in messages[:2]] == ["http.response.start", "http.response.body"]
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return headers, b"".join(message["body"] for message in messages[1:])


def in_pieces(text: str) -> StreamingResponse:
    return StreamingResponse((text[at : at + 7] for at in range(0, len(text), 7)), media_type="text/html")


@pytest.mark.parametrize("make", [HTMLResponse, in_pieces])
def test_html_has_it_at_the_end_of_its_head(make):
    headers, body = sent_by(make(PAGE))
    assert body.decode() == PAGE.replace("</head>", f"{ADDED}</head>").replace("</body>", f"{EARLY}</body>")
    assert headers["content-length"] == str(len(body))


def test_gradios_script_shares_no_name_with_those_of_extensions(tmp_path):
    services = build_services(
        read_flags(["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")])[0], tmp_path
    )
    html = TestClient(build_app(services), base_url="http://127.0.0.1").get("/").text
    assert html.count("const ce = ") == 1
    [script] = re.findall(r"<script>([^<]*const ce = [^<]*)</script>", html)
    assert (script[0], script[-1]) == ("{", "}")


def test_other_answers_stay_as_they_are():
    _, body = sent_by(JSONResponse({"text": PAGE}))
    assert b"first()" not in body
    headers, body = sent_by(HTMLResponse(PAGE, headers={"content-encoding": "br"}))
    assert body == PAGE.encode()
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize("flags", [[], ["--gradio-auth", "ann:red"]])
def test_the_page_asks_before_gradio_listens(tmp_path, flags):
    folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
    services = build_services(read_flags([*folders, *flags])[0], tmp_path)
    client = TestClient(build_app(services), base_url="http://127.0.0.1")
    answer = client.get("/", headers={"accept-encoding": "br, gzip"})
    head = answer.text.partition("</head>")[0]
    # A script within the page runs before modules, wherever these stand.
    assert head.count(ASK_BEFORE_LEAVING) == 1
    assert 'type="module"' in head
    assert client.head("/").headers["content-length"] == answer.headers["content-length"]
