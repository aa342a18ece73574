"""Whatever extensions do to the application that serves, the guard stays around all of it."""

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.testclient import WebSocketDenialResponse

from webui.api.access import GuardRules
from webui.api.app import guard_app
from webui.core.flags import read_flags
from webui.plugins.additions import open_for_additions, taken_addresses

FOREIGN = {"origin": "https://elsewhere.example"}
HERE = {"origin": "http://127.0.0.1:7860"}
SOCKET = "ws://127.0.0.1:7860/socket"


class OpenToAll:
    """Middleware that answers whoever asks for a secret, and takes every socket."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/secret":
            await PlainTextResponse("secret")(scope, receive, send)
            return
        await self.app(scope, receive, send)


def add(app):
    app.add_middleware(OpenToAll)


def build_the_chain(app):
    app.middleware_stack = None
    app.add_middleware(OpenToAll)
    app.middleware_stack = app.build_middleware_stack()


def take_all_away(app):
    app.user_middleware.clear()
    app.add_middleware(OpenToAll)


def put_a_tuple(app):
    app.user_middleware = (Middleware(OpenToAll),)


def put_nothing(app):
    app.user_middleware = None


def take_the_list_away(app):
    del app.user_middleware


def build_otherwise(app):
    app.build_middleware_stack = lambda: OpenToAll(app.router)


def keep_the_function(app):
    app.add_middleware(OpenToAll)
    raise RuntimeError("It fails after it has opened all.")


def lose_the_page(app):
    app.router.routes.insert(0, app.router.routes.pop())


MEANWHILE = [
    add, build_the_chain, take_all_away, put_a_tuple, put_nothing, take_the_list_away, build_otherwise,
    keep_the_function, lose_the_page,
]  # fmt: skip


def add_late(app):
    app.add_middleware(OpenToAll)


def add_late_in_a1111s_way(app):
    app.middleware_stack = None
    app.user_middleware.insert(0, Middleware(OpenToAll))
    app.user_middleware.insert(-100, Middleware(OpenToAll))
    app.middleware_stack = app.build_middleware_stack()


def served():
    """An application with a guard, and a page at its root that answers everything."""
    app = FastAPI()
    guard_app(app, GuardRules.of(read_flags(["--port", "7860"])[0]))
    app.mount("", PlainTextResponse("page"), name="page")
    return app


def add_routes(app):
    @app.get("/theirs")
    def theirs():
        return "theirs"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket):
        await websocket.accept()
        await websocket.send_text("theirs")
        await websocket.close()


def change(app, hostile):
    add_routes(app)
    hostile(app)


def check(app):
    client = TestClient(app, base_url="http://127.0.0.1:7860")
    for path in ("/secret", "/theirs", "/"):
        assert client.get(path, headers=FOREIGN).status_code == 403
        assert client.get(path, headers={"host": "elsewhere.example"}).status_code == 403
    assert client.get("/theirs", headers=HERE).json() == "theirs"
    assert client.get("/any", headers=HERE).text == "page"
    for wrong in (FOREIGN, {"host": "elsewhere.example"}):
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect(SOCKET, headers=wrong),
        ):
            pass
        assert refused.value.status_code == 403
    with client.websocket_connect(SOCKET, headers=HERE) as socket:
        assert socket.receive_text() == "theirs"


@pytest.mark.parametrize("hostile", MEANWHILE)
def test_nothing_that_is_done_while_extensions_are_told_opens_the_server(hostile):
    app = served()
    try:
        with open_for_additions(app):
            change(app, hostile)
    except RuntimeError:
        assert hostile is keep_the_function
    check(app)


@pytest.mark.parametrize("hostile", [add_late, add_late_in_a1111s_way])
def test_nor_does_what_one_that_came_too_late_adds(hostile):
    app = served()
    with open_for_additions(app):
        add_routes(app)
    hostile(app)
    check(app)


def test_a_socket_wants_the_login_that_the_page_wants():
    app = FastAPI()
    guard_app(app, GuardRules.of(read_flags(["--api-auth", "bob:blue", "--port", "7860"])[0]))
    with open_for_additions(app):
        add_routes(app)
    client = TestClient(app, base_url="http://127.0.0.1:7860")
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(SOCKET, headers=HERE):
        pass
    assert refused.value.status_code == 401
    login = {"Authorization": "Basic Ym9iOmJsdWU="}
    with client.websocket_connect(SOCKET, headers=HERE | login) as socket:
        assert socket.receive_text() == "theirs"


def test_a_route_of_the_program_stays_before_and_one_of_a_bundled_extension_gives_way():
    def own():
        return "own"

    def bundled():
        return "bundled"

    def theirs():
        return "theirs"

    app = served()
    bundled.__module__ = "extensions.some.plugin"
    app.get("/own")(own)
    app.get("/bundled")(bundled)
    before = list(app.router.routes)
    with open_for_additions(app):
        for path in ("/own", "/bundled", "/"):
            app.get(path)(theirs)
            app.router.routes.insert(0, app.router.routes.pop())
        assert [taken_addresses(each, before) for each in app.router.routes[:3]] == [
            ["GET /"],
            [],
            ["GET /own"],
        ]
    client = TestClient(app, base_url="http://127.0.0.1:7860")
    found = [client.get(path, headers=HERE).text for path in ("/own", "/bundled", "/")]
    assert found == ['"own"', '"theirs"', "page"]
