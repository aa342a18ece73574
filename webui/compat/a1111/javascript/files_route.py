"""`/file=` as extensions use it: the program's own pictures, a browser's own uploads, and static files."""

from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.javascript.static_files import ExtensionFiles, media_type_of
from webui.core.errors import NotFound
from webui.jobs.services import Services
from webui.store.pictures.served_pictures import ServedFile, open_served

NOT_GIVEN = (
    "This file is not given out. A page may read pictures that were made here or uploaded by it, static "
    "files of extensions that are enabled, and previews beside models."
)


def files_routes(host: ExtensionHost, services: Services) -> APIRouter:
    """The route, which comes before the program's own of that address: that one knows pictures alone."""
    router = APIRouter()
    static = ExtensionFiles(host)

    @router.api_route("/file={path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def get_file(path: str, request: Request) -> Response:
        """A file that a script of the page asks for."""
        shown = services.pictures.may_serve(path) or uploaded(host, path, request)
        if shown is not None:
            return send_picture(open_served(shown))
        found = static.find(path)
        if found is None:
            raise NotFound(NOT_GIVEN)
        return send_static(found, request)

    return router


def uploaded(host: ExtensionHost, path: str, request: Request) -> Path | None:
    """A file that this very browser uploaded, or that Gradio copied to show it."""
    files = getattr(host.page, "files", None)
    find = getattr(files, "may_use_from", None)
    return cast("Path | None", find(request.cookies, path)) if find else None


def send_picture(served: ServedFile) -> Response:
    """A picture, shown; anything else only to be kept."""
    headers = {**served.headers, "Content-Length": str(served.size)}
    return StreamingResponse(served.chunks(), headers=headers)


def send_static(path: Path, request: Request) -> Response:
    """A file, without its bytes where the browser has them already."""
    status = path.stat()
    tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    headers = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=media_type_of(path), headers=headers, stat_result=status)
