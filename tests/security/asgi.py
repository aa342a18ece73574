"""Requests straight into an application, without a client between: any method and header, often."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from starlette.types import ASGIApp, Message

Headers = list[tuple[str, str]]


class Answered(Exception):
    """The answer has begun, and that is all that is wanted to know."""


@dataclass(frozen=True)
class Answer:
    """The beginning of an answer: its status (0: none came) and headers."""

    status: int
    headers: dict[str, str]


def scope_of(
    app: ASGIApp, method: str, path: str, headers: Headers, kind: str = "http", address: str = "127.0.0.1"
) -> dict:
    """What a server makes of a request; `app` is the application that the scope names."""
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": (address, 50000),
        "server": ("127.0.0.1", 7860),
        "state": {},
        "app": app,
    }
    return scope | ({"method": method} if kind == "http" else {"subprotocols": [], "extensions": {}})


async def ask(app: ASGIApp, scope: dict) -> Answer:
    """How an application begins to answer. A body is not sent."""
    began: list[Message] = []
    messages = [{"type": "http.request" if scope["type"] == "http" else "websocket.connect", "body": b""}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        began.append(message)
        raise Answered

    try:
        await app(scope, receive, send)
    except Answered:
        pass
    except Exception:
        if not began:
            raise
    first = began[0] if began else {}
    if first.get("type") in ("websocket.close", "websocket.accept"):
        return Answer(403 if first["type"] == "websocket.close" else 101, {})
    headers = {name.decode(): value.decode("latin-1") for name, value in first.get("headers", [])}
    return Answer(first.get("status", 0), headers)


def every_path(routes: Iterable, before: str = "") -> Iterator[str]:
    """Every path of these routes with what is mounted below them; parameters are filled in."""
    for route in routes:
        if hasattr(route, "effective_candidates"):
            # FastAPI's included router; its candidates know the prefixes.
            yield from every_path(route.effective_candidates(), before)
            continue
        path = before + (getattr(route, "path", None) or "")
        inner = getattr(getattr(route, "app", None), "routes", None)
        if inner:
            yield from every_path(inner, path)
        elif hasattr(route, "app") and not hasattr(route, "endpoint"):
            yield f"{path}/x"
        yield re.sub(r"\{[^}]*\}", "x", path) or "/"
