"""Raw sockets against a server that runs: half requests are dropped, slow ones that go on are not."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from webui.api.app import build_api
from webui.api.body_limit import BodyLimit
from webui.api.connections import Limits
from webui.core.flags import Flags, read_flags
from webui.main import build_services, listen, most_connections, server_config

QUICK = Limits(headers_s=0.6, body_s=0.6, body_bytes=100, unread_s=0.6, connections=10)
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
GET_ONCE = GET.replace(b"Host", b"Connection: close\r\nHost")
# Whatever the machine does meanwhile; the limits are a fiftieth of it.
PATIENCE_S = 30


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def count(request: Request) -> PlainTextResponse:
    size = 0
    with contextlib.suppress(ClientDisconnect):
        async for part in request.stream():
            size += len(part)
    return PlainTextResponse(str(size))


async def endless(request: Request) -> StreamingResponse:
    async def zeros():
        while True:
            yield bytes(1 << 16)
            await asyncio.sleep(0)

    return StreamingResponse(zeros())


ROUTES = [Route("/", hello), Route("/count", count, methods=["POST"]), Route("/endless", endless)]


@pytest.fixture
def port() -> Iterator[int]:
    """A server that loses patience soon."""
    listening = listen(Flags(port=0))
    server = uvicorn.Server(server_config(Starlette(routes=ROUTES), Flags(), QUICK))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(PATIENCE_S)
    listening.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def post(size: int) -> bytes:
    """The headers of a request with a body of so many bytes."""
    return b"POST /count HTTP/1.1\r\nConnection: close\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size


def read_all(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            found += part
    return found


def is_refusal(answer: bytes, status: int) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 %d " % status) and json.loads(body)["detail"].endswith(".")


@pytest.mark.parametrize(
    "begun",
    [
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Header: ",
        GET + b"GET /second HTTP/1.1\r\n",
    ],
)
def test_headers_that_do_not_end_are_dropped(begun, port):
    with connect(port) as connection:
        connection.sendall(begun)
        answer = read_all(connection)
        rest = answer.partition(b"hello")[2] if begun.startswith(GET) else answer
        # uvicorn itself ends a connection that was served and does not go on.
        assert is_refusal(rest, 408) or (begun.startswith(GET) and rest == b"")


def test_a_client_that_says_nothing_is_dropped_without_a_word(port):
    with connect(port) as connection:
        assert read_all(connection) == b""


def trickle(connection: socket.socket, data: bytes, pause_s: float) -> float:
    """Send byte by byte until the server closes; how long it took."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        for position in range(len(data)):
            connection.sendall(data[position : position + 1])
            time.sleep(pause_s)
    return time.monotonic() - began


def test_headers_that_trickle_are_dropped(port):
    with connect(port) as connection:
        took_s = trickle(connection, b"GET / HTTP/1.1\r\nX-Header: " + b"a" * 2000, 0.02)
        assert took_s < 20


def test_a_body_that_trickles_is_dropped_and_others_are_served(port):
    with connect(port) as connection:
        connection.sendall(post(100_000))
        assert trickle(connection, b"a" * 2000, 0.02) < 20
        with connect(port) as other:
            other.sendall(GET_ONCE)
            assert b"hello" in read_all(other)


def test_a_body_that_stops_is_refused_in_a_sentence(port):
    with connect(port) as connection:
        connection.sendall(post(100_000) + b"abc")
        assert is_refusal(read_all(connection), 408)


def test_a_body_that_goes_on_slowly_is_taken_however_long_it_takes(port):
    """Five times as long as a body may bring nothing."""
    size, parts = 20_000, 100
    with connect(port) as connection:
        connection.sendall(post(size))
        for _ in range(parts):
            connection.sendall(b"a" * (size // parts))
            time.sleep(QUICK.body_s * 5 / parts)
        assert read_all(connection).endswith(str(size).encode())


def test_a_large_body_is_taken(port):
    size = 200 * 2**20
    with connect(port) as connection:
        connection.sendall(post(size))
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            connection.sendall(block)
        assert read_all(connection).endswith(str(size).encode())


def test_an_answer_that_nobody_takes_is_given_up(port):
    with connect(port) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(QUICK.unread_s * 6)
        # Endless, if it were still being sent.
        assert len(read_all(connection)) < 2**28


def test_half_requests_make_room_for_whole_ones(port):
    with contextlib.ExitStack() as stack:
        half = [stack.enter_context(connect(port)) for _ in range(QUICK.connections * 3)]
        for connection in half:
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"GET / HTTP/1.1\r\n")
        with connect(port) as whole:
            whole.sendall(GET_ONCE)
            assert b"hello" in read_all(whole)


def test_what_is_no_http_is_refused_in_a_sentence(port):
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
    ):
        with connect(port) as connection:
            connection.sendall(nonsense)
            assert is_refusal(read_all(connection), 400)


def test_connections_leave_files_for_the_rest():
    assert 64 <= most_connections() <= 4000


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
def test_a_body_over_the_limit_is_refused_in_a_sentence(headers):
    client = TestClient(BodyLimit(Starlette(routes=ROUTES), 1 << 20))

    def parts() -> Iterator[bytes]:
        yield from [bytes(1 << 18)] * 5

    content = parts() if headers else bytes(5 << 18)
    answer = client.post("/count", content=content, headers=headers)
    assert answer.status_code == 413
    assert "--max-request-mb" in answer.json()["detail"]
    assert client.post("/count", content=bytes(1 << 20)).text == str(1 << 20)
    assert client.post("/gradio_api/upload", content=bytes(5 << 18)).status_code == 404


def test_the_api_has_the_limit_of_its_flag(tmp_path):
    folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
    flags, _ = read_flags([*folders, "--max-request-mb", "1"])
    client = TestClient(build_api(build_services(flags, tmp_path)), base_url="http://127.0.0.1")
    assert client.post("/sdapi/v1/png-info", json={"image": "a" * 2**20}).status_code == 413
    assert client.post("/sdapi/v1/png-info", json={"image": "a" * 2**19}).status_code in (400, 422)
