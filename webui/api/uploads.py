"""/v1/uploads: files of any kind, in chunks; a break or a restart costs one chunk."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from webui.api.arrivals import ArrivalAnswer, NamedModelAnswer, arrival_answer, named_answer
from webui.core.errors import InvalidRequest
from webui.jobs.services import Services
from webui.library.intake.named_models import named_models
from webui.store.files.staging import size_text
from webui.store.files.uploads import CHUNK_BYTES, MAX_CHUNK_BYTES, Upload, WrongOffset


class NewUpload(BaseModel):
    """A file that is about to come. `sha256` is checked at the end if it is given.

    `mark` tells it from others of its name and size, such as when it was changed last: where an upload of the
    same three is unfinished, that one is the answer, to go on with.
    """

    name: str = Field(max_length=1000)
    size: int
    sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{64}$")
    mark: str = Field("", max_length=200)


class UploadAnswer(BaseModel):
    """How far an upload is: go on at `offset`, with at most `chunk_bytes` at once."""

    id: str
    name: str
    size: int
    offset: int
    created: float
    chunk_bytes: int = CHUNK_BYTES


class Arrivals(BaseModel):
    """What became of an upload: several for an archive."""

    arrivals: list[ArrivalAnswer]


class InfotextBody(BaseModel):
    """An infotext."""

    infotext: str = Field(max_length=1_000_000)


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    uploads, library = services.library.uploads, services.library

    @router.post("/v1/uploads", status_code=201)
    def create_upload(body: NewUpload) -> UploadAnswer:
        """Begin. The disk must have room for the whole file."""
        return answer(uploads.create(body.name, body.size, body.sha256, body.mark))

    @router.get("/v1/uploads")
    def list_uploads() -> list[UploadAnswer]:
        """Those that are not finished."""
        return [answer(upload) for upload in uploads.unfinished()]

    @router.get("/v1/uploads/{identity}")
    def get_upload(identity: str) -> UploadAnswer:
        """How far it is."""
        return answer(uploads.find(identity))

    @router.put("/v1/uploads/{identity}", response_model=UploadAnswer)
    async def put_chunk(identity: str, offset: int, request: Request) -> UploadAnswer | Response:
        """Add a chunk: the body is the bytes. 409 with the right offset if it does not fit."""
        data = await read_chunk(request)
        try:
            return answer(await run_in_threadpool(uploads.write, identity, offset, data))
        except WrongOffset as error:
            answered = {"error": "WrongOffset", "detail": str(error), "offset": error.offset}
            return JSONResponse(answered, status_code=409)

    @router.post("/v1/uploads/{identity}/finish")
    def finish_upload(identity: str) -> Arrivals:
        """Tell what it is and file it, or refuse it; nothing is left of a refused file."""
        arrivals = library.finish_upload(identity)
        return Arrivals(arrivals=[arrival_answer(arrival, library.cards) for arrival in arrivals])

    @router.delete("/v1/uploads/{identity}", status_code=204)
    def cancel_upload(identity: str) -> None:
        """Stop, and leave nothing."""
        uploads.cancel(identity)

    @router.post("/v1/missing")
    def missing(body: InfotextBody) -> list[NamedModelAnswer]:
        """Which models an infotext names, and which of them are here. Asks no other host."""
        named = named_models(body.infotext, services.catalog)
        return [named_answer(each, library.cards) for each in named]

    return router


async def read_chunk(request: Request) -> bytes:
    """The body, as far as one may be."""
    data = bytearray()
    try:
        async for part in request.stream():
            data += part
            if len(data) > MAX_CHUNK_BYTES:
                raise InvalidRequest(f"A chunk has {size_text(MAX_CHUNK_BYTES)} at most. Send less at once.")
    except ClientDisconnect as error:
        # Nobody hears it; the log need not tell of it as of a fault.
        raise InvalidRequest("The connection broke in the middle of a chunk. Send it again.") from error
    return bytes(data)


def answer(upload: Upload) -> UploadAnswer:
    """As an answer."""
    return UploadAnswer(**asdict(upload))
