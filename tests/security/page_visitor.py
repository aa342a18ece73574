"""A visitor of the mounted page who forges what browsers send, and a watch over what the process opens."""

import itertools
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

MARK = {"_type": "gradio.FileData"}


def file_data(path: object, **more: object) -> dict[str, Any]:
    """A file as browsers send it."""
    return {"path": path, "meta": MARK} | more


@dataclass
class Visitor:
    """One browser, with a cookie of its own."""

    client: TestClient
    sessions: Iterator[int] = field(default_factory=itertools.count)

    def send(self, fn_index: int, data: list[Any], event_data: object = None) -> httpx.Response:
        """An event that is answered at once."""
        body = {"fn_index": fn_index, "data": data, "event_data": event_data, "session_hash": "forged"}
        return self._post("/gradio_api/run/predict", body)

    def _post(self, path: str, body: object) -> httpx.Response:
        # In ASCII: halves of letters are no UTF-8, but JSON has a spelling for them.
        headers = {"Content-Type": "application/json"}
        return self.client.post(path, content=json.dumps(body), headers=headers)

    def queue(self, fn_index: int, data: list[Any], event_data: object = None) -> str:
        """An event that goes through the queue; what the server tells of it up to its first answer."""
        session = f"queued-{next(self.sessions)}"
        body = {"fn_index": fn_index, "data": data, "event_data": event_data, "session_hash": session}
        joined = self._post("/gradio_api/queue/join", body)
        if joined.status_code != 200:
            return joined.text
        return self._first_answer(session)

    def _first_answer(self, session: str) -> str:
        told = ""
        with self.client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as answer:
            for line in answer.iter_lines():
                told += line
                if "process_completed" in line or "process_generating" in line:
                    break
        return told

    def upload(self, name: str, data: bytes) -> str:
        """The path that Gradio gives to an upload."""
        answer = self.client.post("/gradio_api/upload", files={"files": (name, data)})
        return answer.raise_for_status().json()[0]

    def load(self, path: str) -> httpx.Response:
        """A file as the page's pictures are loaded."""
        return self.client.get(f"/gradio_api/file={path}")


class OpenedFiles:
    """Which files of a set the process opens. An audit hook hears of it whatever library it was."""

    def __init__(self) -> None:
        self._watched: frozenset[str] = frozenset()
        self._opened: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not self._watched:
            return
        if isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            if path in self._watched:
                self._opened.append(path)

    @contextmanager
    def watch(self, paths: list[str]) -> Iterator[list[str]]:
        """Gives the list of those that are opened during the block."""
        self._watched, self._opened = frozenset(paths), []
        try:
            yield self._opened
        finally:
            self._watched = frozenset()


@contextmanager
def other_server() -> Iterator[tuple[str, list[str]]]:
    """Another server, such as one behind a firewall: an address of it, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"internal secret")

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names that http.server wants

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/secret.png", asked
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Attack:
    """Files that a visitor may not have, named in every way that comes to mind."""

    secret: Path
    paths: dict[str, str]

    @property
    def forbidden(self) -> list[str]:
        """Spellings under which the process could open them."""
        return [os.path.realpath(self.secret), *(path for path in self.paths.values() if ":" not in path)]


def make_attack(home: Path, uploads: Path, server: str, foreign: str, turned: str) -> Attack:
    """Secrets on the disk: a picture with an infotext, keys, a FIFO, links.

    `foreign` is the upload of another browser; `turned` an own one, which becomes a link.
    """
    secret, fifo = home / "outside" / "secret.png", home / "outside" / "fifo.png"
    keys, link = home / "data" / "keys.json", uploads / "link.png"
    keys.write_text('{"civitai": "TOP-SECRET-KEY"}')
    os.mkfifo(fifo)
    link.symlink_to(secret)
    Path(turned).unlink()
    Path(turned).symlink_to(secret)
    return Attack(
        secret,
        {
            "regular file": str(secret),
            "system file": "/etc/passwd",
            "keys": str(keys),
            "device": "/dev/zero",
            "fifo": str(fifo),
            "link in the upload folder": str(link),
            "own upload that became a link": turned,
            "upload of another browser": foreign,
            "dots": f"{uploads}/../outside/secret.png",
            "relative": os.path.relpath(secret),
            "UNC": "\\\\host\\share\\secret.png",
            "UNC with slashes": "//host/share/secret.png",
            "file:": f"file://{secret}",
            "address": server,
            "data:": "data:text/plain;base64,VE9QLVNFQ1JFVC1LRVk=",
            "upload folder": str(uploads),
            "NUL": f"{secret}\0.png",
            "half a letter": "\ud800",
        },
    )
