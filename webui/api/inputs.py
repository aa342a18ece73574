"""POST /v1/inputs: pictures that requests refer to. The page's canvases send theirs here."""

import io

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from webui.core.errors import InvalidRequest
from webui.jobs.services import Services
from webui.store.pictures.plain_pictures import keep_picture, make_plain
from webui.store.texts.encoding import encode

MAX_UPLOAD_BYTES = 256 * 2**20


class Uploaded(BaseModel):
    """A picture that the server keeps: what requests call it, and its size in pixels as it is shown."""

    reference: str
    width: int
    height: int


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()

    @router.post("/v1/inputs")
    async def add_input(request: Request) -> Uploaded:
        """Keep a picture: the body is the file itself. 16 bits and CMYK become 8-bit RGB."""
        data = await read_body(request)
        kept = await run_in_threadpool(keep_picture, services.inputs, data)
        return Uploaded(reference=kept.reference, width=kept.width, height=kept.height)

    @router.get("/v1/inputs/{reference}")
    def get_input(reference: str) -> Response:
        """The picture as PNG, in colours that a browser shows."""
        data = encode(make_plain(services.inputs.open(reference)), "png")
        return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    @router.head("/v1/inputs/{reference}")
    def has_input(reference: str) -> Response:
        """Whether the server has the picture; 404 if not."""
        services.inputs.path(reference)
        return Response()

    return router


async def read_body(request: Request) -> bytes:
    """The body, as far as it may be. Raises InvalidRequest."""
    parts, size = io.BytesIO(), 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_UPLOAD_BYTES:
            raise InvalidRequest(
                f"The file has more than {MAX_UPLOAD_BYTES // 2**20} MB. Save it smaller, or as JPEG."
            )
        parts.write(part)
    return parts.getvalue()
