"""The HTTP application: routes, refusals as sentences, and one guard in front of everything."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.types import Lifespan

from webui.api import cards, civitai, downloads, inputs, uploads
from webui.api.guard import Guard, GuardRules
from webui.api.sdapi import extras, generate, server
from webui.core.errors import (
    Busy,
    InvalidRequest,
    NotFound,
    OutOfMemory,
    StorageError,
    UnusableFile,
    WebuiError,
)
from webui.jobs.services import Services
from webui.library.fetch.refusals import FetchRefused

STATUS: dict[type[WebuiError], int] = {
    InvalidRequest: 400,
    NotFound: 404,
    UnusableFile: 422,
    Busy: 409,
    OutOfMemory: 503,
    StorageError: 507,
    FetchRefused: 502,
}


def build_api(services: Services, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The application without the page; the page is mounted on it later."""
    app = FastAPI(
        title="Atelier", version=services.version, docs_url="/docs", redoc_url=None, lifespan=lifespan
    )
    app.include_router(generate.routes(services))
    app.include_router(extras.routes(services))
    app.include_router(server.routes(services))
    app.include_router(inputs.routes(services))
    app.include_router(uploads.routes(services))
    # Before those of one card, whose ids could be read into its words.
    app.include_router(civitai.routes(services))
    app.include_router(cards.routes(services))
    app.include_router(downloads.routes(services))
    app.add_exception_handler(WebuiError, refuse)
    app.add_exception_handler(RequestValidationError, refuse_body)
    flags = services.flags
    if flags.cors_origins or flags.cors_allow_origins_regex:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(flags.cors_origins),
            allow_origin_regex=flags.cors_allow_origins_regex,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials=True,
        )
    app.add_middleware(
        Guard,
        rules=GuardRules(
            dict(flags.api_accounts()), frozenset(flags.cors_origins), flags.cors_allow_origins_regex
        ),
    )
    return app


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """One of our errors: its sentence, in the shape of A1111's answers."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    cause = {"cause": error.cause} if isinstance(error, FetchRefused) else {}
    return sentence(status, type(error).__name__, str(error), cause)


async def refuse_body(request: Request, error: Exception) -> JSONResponse:
    """A body of the wrong shape: a sentence about the first wrong field."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    place = ".".join(str(part) for part in first["loc"][1:]) or "body"
    given = repr(first.get("input"))
    shown = given if len(given) <= 60 else f"{given[:57]}..."
    return sentence(422, "InvalidRequest", f"The field {place!r} is {shown}: {first['msg']}.")


def sentence(status: int, kind: str, text: str, more: dict[str, str] | None = None) -> JSONResponse:
    """A refusal."""
    told = {"error": kind, "detail": text, "body": "", "errors": text} | (more or {})
    return JSONResponse(told, status_code=status)
