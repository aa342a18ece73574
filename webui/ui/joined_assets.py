"""The page's scripts and styles, put together into one file each, which a browser asks for once and keeps."""

import gzip
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from webui.store.script_bundle import bundle_modules

# What all others wait for.
FIRST = "js/first/built.js"
SCRIPT, STYLE, SCRIPT_MAP = "page.js", "page.css", "page.js.map"
# Whoever has a file by the name of its contents never needs to ask for it again.
KEEP = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class JoinedAsset:
    """A text with the name of its contents, as it is and packed for whoever reads that."""

    def __init__(self, text: str, media_type: str) -> None:
        self.text = text.encode()
        self.media_type = media_type
        self.version = sha256(self.text).hexdigest()[:16]

    @cached_property
    def packed(self) -> bytes:
        """The text in gzip, packed once for all who will ask."""
        return gzip.compress(self.text, 6, mtime=0)

    def answer(self, request: Request) -> Response:
        """What a browser gets; to be kept for good if it asked for exactly this text."""
        headers = {
            "Cache-Control": KEEP if request.url.query == self.version else ASK_AGAIN,
            "Vary": "Accept-Encoding",
            "ETag": f'"{self.version}"',
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.text, media_type=self.media_type, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(self.packed, media_type=self.media_type, headers=headers)


class JoinedAssets:
    """Below a folder: js/*.js run as the page opens, what lies deeper when it is needed; css/*.css."""

    def __init__(self, folder: Path) -> None:
        scripts = read_texts(folder, "js/**/*.js")
        entries = [name for name in scripts if name.count("/") == 1]
        bundle = bundle_modules(scripts, entries, FIRST)
        styles = "\n".join(read_texts(folder, "css/*.css").values())
        self.by_name = {
            SCRIPT: JoinedAsset(bundle.text(SCRIPT_MAP), "text/javascript"),
            SCRIPT_MAP: JoinedAsset(bundle.source_map(), "application/json"),
            STYLE: JoinedAsset(styles, "text/css"),
        }

    def address(self, name: str) -> str:
        """Where a file is, below the folder's address."""
        return f"{name}?{self.by_name[name].version}"


def read_texts(folder: Path, pattern: str) -> dict[str, str]:
    """Files by their paths below the folder, in order."""
    paths = sorted(folder.glob(pattern))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
