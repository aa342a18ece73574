"""What `/file=` gives beyond the program's own pictures.

That is: static files of extensions that run, pictures and films of the output folders, previews beside
models, and texts in `tmp`. Nothing that starts with a dot, no program, no database, nothing that is named
like a secret unless what an extension shows names it, and nothing to which a link leads from elsewhere.
"""

import html
import os
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from webui.compat.a1111.host import ExtensionHost
from webui.plugins.community import BUILT_IN_FOLDER
from webui.plugins.loading import FOLDER
from webui.store.pictures.history_gathering import output_folders
from webui.store.pictures.served_pictures import is_regular_file

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
}
FILMS = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
}
TEXTS = {
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".md": "text/markdown",
}
PAGES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".htm": "text/html",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".map": "application/json",
    ".wasm": "application/wasm",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    # Models that scripts of a page load: figures, and what recognises poses.
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".fbx": "application/octet-stream",
    ".task": "application/octet-stream",
    ".tflite": "application/octet-stream",
    ".binarypb": "application/octet-stream",
    ".data": "application/octet-stream",
}
STATIC = PICTURES | FILMS | TEXTS | PAGES
# Of texts only: a script may well be called token_counter.js.
SECRET_NAMES = re.compile(
    r"secret|passw|credential|token|api[-_. ]?key|\bkeys?\b|cookie|^auth|^config$|^settings$|^users?$",
    re.IGNORECASE,
)
# Whatever lies in there: what an extension keeps for itself.
SECRET_FOLDERS = frozenset({"storage", "secrets", "private", "credentials"})
# A1111's picture of a card without a picture, which extensions show by this path.
NO_PREVIEW = "html/card-no-preview.png"
CARD_PICTURE = Path(__file__).parent / "card-no-preview.png"
TEMPORARY = "tmp"
LONGEST_PATH = 4000
# Scripts of a page of an extension's own that are looked through for the name of a file.
MOST_READ = 500


class ExtensionFiles:
    """Decides by a path, absolute or from A1111's folder, on the file that a page may read."""

    def __init__(self, host: ExtensionHost) -> None:
        self._host = host
        # By file, whether a script names it: what extensions bring does not change while they run.
        self._named: dict[Path, bool] = {}

    def find(self, text: str) -> Path | None:
        """The file, if the page may have it."""
        if not text or "\0" in text or len(text) > LONGEST_PATH:
            return None
        path = text.replace("\\", "/").removeprefix("./")
        if path == NO_PREVIEW:
            return CARD_PICTURE
        wanted = self._place(path)
        if wanted is None or not is_regular_file(wanted):
            return None
        real = Path(os.path.realpath(wanted))
        return wanted if self._may_read(real) else None

    def _place(self, path: str) -> Path | None:
        """Where a path leads; None for one that leads up."""
        parts = PurePosixPath(path).parts
        if ".." in parts:
            return None
        if Path(path).is_absolute():
            return Path(path)
        if len(parts) > 2 and parts[0] in (FOLDER, BUILT_IN_FOLDER):
            # Of two places in which extensions lie, the one where this extension does.
            for each in self._host.folders:
                if each.folder.name == parts[1]:
                    return each.folder.joinpath(*parts[2:])
        return self._host.root / path

    def _may_read(self, real: Path) -> bool:
        """Whether the file at a real path is one of those that a page may read."""
        folders = [Path(os.path.realpath(each.folder)) for each in self._host.folders]
        if within := closest_of(real, folders):
            path = real.relative_to(within)
            if is_static(path) or not is_static(path.with_stem("named")):
                return is_static(path)
            return self._is_shown(within, path) or self._is_read(within, path)
        suffix = real.suffix.lower()
        if closest_of(real, [self._real(self._host.root / TEMPORARY)]):
            return suffix in PICTURES | FILMS | TEXTS and is_static(Path(real.name))
        if suffix in PICTURES | FILMS and closest_of(real, self._output_folders()):
            return not real.name.startswith(".")
        return suffix in PICTURES and closest_of(real, self._model_folders()) is not None

    def _is_shown(self, folder: Path, path: Path) -> bool:
        """Whether the page names the file in an HTML, by an address within this extension's folder."""
        blocks = getattr(self._host.page, "blocks", {})
        texts = [each.value for each in blocks.values() if each.get_block_name() == "html"]
        address = f"{folder.name}/{path.as_posix()}"
        return any(address in unquote(html.unescape(each)) for each in texts if isinstance(each, str))

    def _is_read(self, folder: Path, path: Path) -> bool:
        """Whether the file lies beside a page that is shown, and a script of that page's names it."""
        page = path.parent / "index.html"
        if path == Path(path.name) or not self._is_shown(folder, page):
            return False
        if folder / path not in self._named:
            name = re.compile(rf"[\"'`/]{re.escape(path.name)}[\"'`?]")
            texts = (each for suffix in ("*.js", "*.html") for each in (folder / page.parent).rglob(suffix))
            self._named[folder / path] = any(
                name.search(read_start(each)) for each in islice(texts, MOST_READ)
            )
        return self._named[folder / path]

    def _real(self, folder: Path) -> Path:
        return Path(os.path.realpath(folder))

    def _output_folders(self) -> list[Path]:
        services = self._host.ready
        return [
            self._real(folder) for folder in output_folders(services.files, services.settings.current.folders)
        ]

    def _model_folders(self) -> list[Path]:
        return [self._real(folder) for folder in self._host.ready.catalog.folders.roots]


def closest_of(path: Path, folders: Iterable[Path]) -> Path | None:
    """The folder that a path lies in, if it is one of these."""
    return next((folder for folder in folders if path != folder and path.is_relative_to(folder)), None)


def read_start(file: Path) -> str:
    """A text's first megabyte; nothing of what cannot be read."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(1 << 20)
    except OSError:
        return ""


def is_static(path: Path) -> bool:
    """Whether a file, by its path within its extension, is made for a page."""
    if any(part.startswith(".") or part.lower() in SECRET_FOLDERS for part in path.parts):
        return False
    suffix = path.suffix.lower()
    if suffix not in STATIC:
        return False
    return suffix not in TEXTS or not SECRET_NAMES.search(path.stem)


def media_type_of(path: Path) -> str:
    """What a browser is told of a file: by its name, as scripts and styles need it."""
    return STATIC.get(path.suffix.lower(), "application/octet-stream")
