"""/v1/parts: the request parts and scripts of extensions, for forms; and the files that these bring."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from webui.core.errors import NotFound
from webui.core.model_file import ModelKind
from webui.core.sampling import all_samplers, all_schedules
from webui.jobs.services import Services
from webui.library.catalog.upscaler_names import upscaler_names
from webui.plugins.loading import ExtensionRecord
from webui.plugins.parts import RequestPart
from webui.plugins.titles import title_beside
from webui.store.script_bundle import NotBundled, ScriptBundle, bundle_modules

SCRIPT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}\.m?js")
FILE_NAME = re.compile(r"(javascript/[A-Za-z0-9_.-]{1,100}\.m?js|style\.css)")
MOST_FILES = 100
# All scripts of an extension in one, so that a page asks once for them.
BUNDLE, BUNDLE_MAP = "scripts.js", "scripts.js.map"
ASK_AGAIN = {"Cache-Control": "no-cache"}
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}


class ScriptAnswer(BaseModel):
    """A script, and the key of its part."""

    title: str
    key: str


class PartsAnswer(BaseModel):
    """All parts in the order of their extensions, as `describe_part` gives them; addresses of files that the
    page loads.
    """

    parts: list[dict[str, Any]]
    scripts: list[ScriptAnswer]
    scripts_of_extensions: list[str]
    styles: list[str]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()

    @router.get("/v1/parts")
    def list_parts() -> PartsAnswer:
        """What extensions add to the forms."""
        extensions, others = services.extensions, services.plugins.community_titles
        parts = [
            describe_part(part, name) | {"title": title_beside(part.title, others)}
            for name, offers in extensions.offers.items()
            if extensions.is_on(name)
            for part in offers.parts
        ]
        keys = {part["key"] for part in parts}
        scripts = [
            ScriptAnswer(title=title_beside(script.title, others), key=script.part.key)
            for offers in extensions.offers.values()
            for script in offers.scripts
            if script.part.key in keys
        ]
        # The host of A1111's loads those of its own.
        own = [record for record in extensions.records if record.origin != "a1111"]
        files = [address for record in own for address in addresses_of(record)]
        return PartsAnswer(
            parts=parts,
            scripts=scripts,
            scripts_of_extensions=[each for each in files if not each.endswith(".css")],
            styles=[each for each in files if each.endswith(".css")],
        )

    @router.get("/v1/choices/{name}")
    def list_choices(name: str) -> list[str]:
        """What a list of a part may offer now, by the name in its schema's `choices_from`."""
        lists = choices_of(services)
        if name not in lists:
            raise NotFound(f"There is no list {name!r}. Those here are: {', '.join(lists)}.")
        return lists[name]()

    @router.get("/v1/extensions/{name}/files/{path:path}")
    def get_file(name: str, path: str) -> FileResponse:
        """A file that the page loads for an extension: javascript/*.js or style.css, no other."""
        record = record_of(services, name)
        file = record and file_of(record, path)
        if file is None:
            raise NotFound("There is no such file.")
        return FileResponse(file, media_type=TYPES[file.suffix], headers=ASK_AGAIN)

    @router.get("/v1/extensions/{name}/scripts.js")
    def get_scripts(name: str) -> Response:
        """All scripts of an extension in one, where they are written so that this can be made."""
        text = require_bundle(record_of(services, name)).text(BUNDLE_MAP)
        return Response(text, media_type=TYPES[".js"], headers=ASK_AGAIN)

    @router.get("/v1/extensions/{name}/scripts.js.map")
    def get_source_map(name: str) -> Response:
        """Where each line of these scripts comes from, for a browser's tools."""
        text = require_bundle(record_of(services, name)).source_map()
        return Response(text, media_type="application/json", headers=ASK_AGAIN)

    return router


def describe_part(part: type[RequestPart], extension: str) -> dict[str, Any]:
    """What the page must know to draw a part."""
    return {
        "key": part.key,
        "title": part.title,
        "about": part.about,
        "tabs": list(part.tabs),
        "is_script": part.is_script,
        "extension": extension,
        "schema": part.model_json_schema(),
        "defaults": part().model_dump(mode="json"),
    }


def choices_of(services: Services) -> dict[str, Callable[[], list[str]]]:
    """Lists by name."""

    def titles(kind: ModelKind) -> Callable[[], list[str]]:
        checkpoints = kind is ModelKind.CHECKPOINT
        return lambda: [each.title if checkpoints else each.name for each in services.catalog.files(kind)]

    lists = {f"{kind.value}s": titles(kind) for kind in ModelKind}
    return lists | {
        "samplers": lambda: [info.label for info in all_samplers()],
        "schedules": lambda: [info.label for info in all_schedules()],
        "upscalers": lambda: upscaler_names(services.catalog),
        "styles": lambda: list(services.requests.styles().names),
    }


def record_of(services: Services, name: str) -> ExtensionRecord | None:
    """The extension of a name."""
    return next((each for each in services.extensions.records if each.name == name), None)


def addresses_of(record: ExtensionRecord) -> list[str]:
    """Addresses, below the server's root, of the files that the page loads for an extension that runs."""
    if record.state != "on" or record.folder is None:
        return []
    names = [f"files/javascript/{name}" for name in script_names(record.folder / "javascript")]
    names = [name for name in names if file_of(record, name.removeprefix("files/"))]
    if len(names) > 1 and bundle_of(record):
        names = [BUNDLE]
    names += ["files/style.css"] if file_of(record, "style.css") else []
    return [f"v1/extensions/{quote(record.name)}/{name}" for name in names]


def bundle_of(record: ExtensionRecord) -> ScriptBundle | None:
    """All scripts of an extension as one; None where they are written in ways that cannot be put together."""
    folder = record.folder / "javascript" if record.folder else None
    names = [f"javascript/{name}" for name in script_names(folder)] if folder else []
    files = {f"files/{name}": file for name in names if (file := file_of(record, name))}
    try:
        sources = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        return bundle_modules(sources, sources) if sources else None
    except (NotBundled, OSError, UnicodeDecodeError):
        return None


def require_bundle(record: ExtensionRecord | None) -> ScriptBundle:
    """The same. Raises NotFound."""
    if record is None or (bundle := bundle_of(record)) is None:
        raise NotFound("There is no such file.")
    return bundle


def script_names(folder: Path) -> list[str]:
    """Script files in a folder, by name."""
    try:
        return sorted(each.name for each in folder.iterdir() if SCRIPT_NAME.fullmatch(each.name))[:MOST_FILES]
    except OSError:
        return []


def file_of(record: ExtensionRecord, path: str) -> Path | None:
    """The file of an extension that a path names, if the page may have it."""
    if record.state != "on" or record.folder is None or not FILE_NAME.fullmatch(path):
        return None
    file = (record.folder / path).resolve()
    return file if file.is_file() and file.is_relative_to(record.folder.resolve()) else None
