"""POST /v1/inputs: pictures that requests refer to. The page's canvases send theirs here."""

import io

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from PIL import Image
from pydantic import BaseModel

from webui.core.errors import InvalidRequest, UnusableFile
from webui.jobs.services import Services
from webui.store.encoding import encode
from webui.store.reading import open_picture

MAX_UPLOAD_BYTES = 256 * 2**20
# Browsers draw no larger side on a canvas.
MAX_SIDE = 16384
# What the rest of the program reads without a change of colours.
PLAIN_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
SIXTEEN_BITS = 65535


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
        return await run_in_threadpool(keep, services, data)

    @router.get("/v1/inputs/{reference}")
    def get_input(reference: str) -> Response:
        """The picture as PNG, in colours that a browser shows."""
        data = encode(plain(services.inputs.open(reference)), "png")
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


def keep(services: Services, data: bytes) -> Uploaded:
    """Check a picture file and keep it: as it is where all parts of the program can read it."""
    image = open_picture(data)
    if max(image.size) > MAX_SIDE:
        raise UnusableFile(
            f"The picture has {image.width}x{image.height} pixels; a side can have {MAX_SIDE} at most. "
            "Make it smaller first."
        )
    if image.mode in PLAIN_MODES:
        reference = services.inputs.add(data)
    else:
        reference = services.inputs.add_image(plain(image))
    return Uploaded(reference=reference, width=image.width, height=image.height)


def plain(image: Image.Image) -> Image.Image:
    """The picture in 8 bits, grey or RGB, with its alpha if it has any."""
    if image.mode in PLAIN_MODES:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow would cut off what is over 255 instead of scaling it.
        top = SIXTEEN_BITS if image.mode.startswith("I") else 1
        return image.convert("F").point(lambda level: level * (255 / top) + 0).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
