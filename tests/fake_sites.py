"""Civitai and Hugging Face on this machine, behaving as their documentation says, and as they do on bad days.

Downloads are redirected to another host ("localhost" in place of "127.0.0.1"), as the real sites do it.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from webui.library.fetch.sites import Sites

KEY = "the-right-key"
LOGIN_PAGE = b"<!DOCTYPE html><html><body>Log in to continue</body></html>"
PIECE = 64 * 1024


@dataclass
class FakeFile:
    """A file of a version."""

    name: str
    data: bytes
    primary: bool = True
    type: str = "Model"
    format: str = "SafeTensor"
    # What the site says the hash is, where it lies.
    said_sha256: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class FakeVersion:
    """A version of a model on Civitai."""

    id: int
    model_id: int
    files: list[FakeFile]
    name: str = "v1.0"
    model_name: str = "Cat"
    type: str = "LORA"
    base_model: str = "SD 1.5"
    words: tuple[str, ...] = ("catword",)
    images: tuple[tuple[str, int], ...] = ()
    needs_key: bool = False
    early_access: bool = False
    published: str = "2026-05-04T10:00:00.000Z"


@dataclass
class Seen:
    """A request that came."""

    method: str
    host: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


Answer = Callable[["Handler"], None]


@dataclass
class FakeSites:
    """A context manager; `url` is where Civitai and Hugging Face are meanwhile."""

    versions: dict[int, FakeVersion] = field(default_factory=dict)
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    pictures: dict[str, bytes] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    # Answers that come once, for the next requests whose path has the text in it.
    once: list[tuple[str, Answer]] = field(default_factory=list)
    # Seconds between pieces of a file.
    slowness_s: float = 0.0
    etags: bool = True

    def __enter__(self):
        sites = self

        class Bound(Handler):
            fake = sites

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.server.daemon_threads = True
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> str:
        return f"http://localhost:{self.port}/storage"

    @property
    def sites(self) -> Sites:
        """What to give to `build_services`."""
        trusted = frozenset({f"127.0.0.1:{self.port}", f"localhost:{self.port}"})
        return Sites(
            civitai=self.url, huggingface=self.url, extensions=f"{self.url}/index.json", trusted=trusted
        )

    def add(self, version: FakeVersion) -> FakeVersion:
        self.versions[version.id] = version
        return version

    def behave(self, path: str, answer: Answer, times: int = 1) -> None:
        """Answer the next requests with this in their path otherwise."""
        self.once += [(path, answer)] * times

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def version_json(self, version: FakeVersion) -> dict:
        return {
            "id": version.id,
            "modelId": version.model_id,
            "name": version.name,
            "baseModel": version.base_model,
            "trainedWords": list(version.words),
            "publishedAt": version.published,
            "description": "<p>A <b>cat</b> &amp; more</p>",
            "images": [
                {"url": f"{self.url}/images/original=true/{name}", "nsfwLevel": level, "type": "image"}
                for name, level in version.images
            ],
            "files": [self.file_json(version, number) for number in range(len(version.files))],
            "downloadUrl": f"{self.url}/api/download/models/{version.id}",
            "model": {"name": version.model_name, "type": version.type, "nsfw": False, "poi": False},
        }

    def file_json(self, version: FakeVersion, number: int) -> dict:
        file = version.files[number]
        return {
            "id": version.id * 10 + number,
            "name": file.name,
            "type": file.type,
            "sizeKB": len(file.data) / 1024,
            "metadata": {"format": file.format, "size": "pruned", "fp": "fp16"},
            "hashes": {
                "SHA256": (file.said_sha256 or file.sha256).upper(),
                "AutoV2": file.sha256[:10].upper(),
            },
            "primary": file.primary,
            "downloadUrl": f"{self.url}/api/download/models/{version.id}?number={number}",
        }

    def model_json(self, model_id: int) -> dict | None:
        versions = [version for version in self.versions.values() if version.model_id == model_id]
        if not versions:
            return None
        newest = sorted(versions, key=lambda version: -version.id)
        return {
            "id": model_id,
            "name": newest[0].model_name,
            "type": newest[0].type,
            "nsfw": False,
            "creator": {"username": "ann"},
            "stats": {"downloadCount": 7, "thumbsUpCount": 3},
            "modelVersions": [self.version_json(version) for version in newest],
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    fake: FakeSites
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle(self):
        # Whoever asked may have had enough before the end.
        with suppress(ConnectionResetError):
            super().handle()

    def do_GET(self):
        self.note(b"")
        self.answer_or_break(self.route_get)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.note(body)
        self.answer_or_break(lambda: self.route_post(body))

    def note(self, body):
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.fake.seen.append(Seen(self.command, headers["host"], self.path, headers, body))

    def answer_or_break(self, route):
        for index, (path, answer) in enumerate(self.fake.once):
            if path in self.path:
                del self.fake.once[index]
                route = lambda answer=answer: answer(self)  # noqa: E731 - one of two routes
                break
        with suppress(BrokenPipeError, ConnectionResetError):
            route()

    def reply(self, status, body=b"", kind="application/json", **headers):
        data = json.dumps(body).encode() if isinstance(body, dict | list) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def redirect(self, target):
        self.reply(302, Location=target)

    @property
    def has_key(self):
        return self.headers.get("authorization") == f"Bearer {KEY}"

    def route_get(self):
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        for pattern, handle in ROUTES:
            if match := re.fullmatch(pattern, path):
                handle(self, match, query)
                return
        self.reply(404, {"error": "Not found"})

    def route_post(self, body):
        if self.path != "/api/v1/model-versions/by-hash":
            self.reply(404, {"error": "Not found"})
            return
        wanted = {digest.lower() for digest in json.loads(body)}
        found = [
            self.fake.version_json(version)
            for version in self.fake.versions.values()
            if any(file.sha256 in wanted for file in version.files)
        ]
        self.reply(200, found)

    def model(self, match, query):
        model = self.fake.model_json(int(match[1]))
        self.reply(200, model) if model else self.reply(404, {"error": "No model with id"})

    def version(self, match, query):
        version = self.fake.versions.get(int(match[1]))
        found = self.fake.version_json(version) if version else None
        self.reply(200, found) if found else self.reply(404, {"error": "Model not found"})

    def by_hash(self, match, query):
        for version in self.fake.versions.values():
            if any(file.sha256.startswith(match[1].lower()) for file in version.files):
                self.reply(200, self.fake.version_json(version))
                return
        self.reply(404, {"error": "Model not found"})

    def search(self, match, query):
        text = query.get("query", [""])[0].lower()
        types = query.get("types", [])
        models = [
            self.fake.model_json(number)
            for number in sorted({v.model_id for v in self.fake.versions.values()})
        ]
        fitting = [
            model
            for model in models
            if model and text in model["name"].lower() and (not types or model["type"] in types)
        ]
        start, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        page = fitting[start : start + limit]
        more = {"nextCursor": str(start + limit)} if start + limit < len(fitting) else {}
        self.reply(200, {"items": page, "metadata": more})

    def enums(self, match, query):
        self.reply(
            200,
            {
                "ModelType": ["Checkpoint", "LORA"],
                "BaseModel": ["SD 1.5", "SDXL 1.0"],
                "ActiveBaseModel": ["SD 1.5"],
                "BaseModelType": ["Standard"],
            },
        )

    def download(self, match, query):
        version = self.fake.versions.get(int(match[1]))
        if version is None:
            self.reply(404, {"error": "Not found"})
        elif version.early_access:
            self.reply(403, {"error": "Early Access", "message": "This asset is in Early Access."})
        elif version.needs_key and not self.has_key:
            self.reply(
                401,
                {
                    "error": "Unauthorized",
                    "message": "The creator of this asset requires you to be logged in",
                },
            )
        else:
            number = query.get("number", ["0"])[0]
            self.redirect(f"{self.fake.storage}/{version.id}/{number}?signature=abc")

    def stored(self, match, query):
        file = self.fake.versions[int(match[1])].files[int(match[2])]
        self.send_file(file.data)

    def send_file(self, data, kind="application/octet-stream", cut=None):
        """A file, or the part of it that is asked for; `cut` breaks the connection after so many bytes."""
        etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        if asked and self.headers.get("if-range", etag) == etag:
            start = int(asked[1])
        if start >= len(data) and start:
            self.reply(416, b"", Content_Range=f"bytes */{len(data)}")
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) - start))
        if self.fake.etags:
            self.send_header("ETag", etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        end = len(data) if cut is None else min(start + cut, len(data))
        for place in range(start, end, PIECE):
            self.wfile.write(data[place : min(place + PIECE, end)])
            self.wfile.flush()
            time.sleep(self.fake.slowness_s)
        if end < len(data):
            self.close_connection = True

    def picture(self, match, query):
        data = self.fake.pictures.get(match[1])
        self.reply(200, data, "image/png") if data else self.reply(404, b"")

    def repo(self, match, query):
        if match[1] in self.fake.gated and not self.has_key:
            self.reply(401, {"error": "Access to this model is restricted"}, X_Error_Code="GatedRepo")
            return
        files = self.fake.repos.get(match[1])
        if files is None:
            self.reply(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return
        siblings = [
            {
                "rfilename": path,
                "size": len(data),
                "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)},
            }
            for path, data in files.items()
        ]
        self.reply(200, {"id": match[1], "siblings": siblings})

    def resolve(self, match, query):
        data = self.fake.repos.get(match[1], {}).get(match[2])
        if match[1] in self.fake.gated and not self.has_key:
            self.reply(401, b"Access to this model is restricted", "text/plain", X_Error_Code="GatedRepo")
        elif data is None:
            self.reply(404, b"Entry not found", "text/plain")
        else:
            self.redirect(f"http://localhost:{self.fake.port}/lfs/{match[1]}/{match[2]}")

    def large_file(self, match, query):
        self.send_file(self.fake.repos[match[1]][match[2]])


ROUTES = [
    (r"/api/v1/models/(\d+)", Handler.model),
    (r"/api/v1/models", Handler.search),
    (r"/api/v1/enums", Handler.enums),
    (r"/api/v1/model-versions/(\d+)", Handler.version),
    (r"/api/v1/model-versions/by-hash/([0-9a-fA-F]+)", Handler.by_hash),
    (r"/api/download/models/(\d+)", Handler.download),
    (r"/storage/(\d+)/(\d+)", Handler.stored),
    (r"/images/[^/]+/(.+)", Handler.picture),
    (r"/api/models/([^/]+/[^/]+)/revision/main", Handler.repo),
    (r"/([^/]+/[^/]+)/resolve/main/(.+)", Handler.resolve),
    (r"/lfs/([^/]+/[^/]+)/(.+)", Handler.large_file),
]
