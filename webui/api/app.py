"""The HTTP application: routes, refusals as sentences, and one guard in front of everything."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Lifespan

from webui.api import (
    captioning,
    cards,
    civitai,
    community,
    datasets,
    defaults,
    downloads,
    extensions,
    inputs,
    parts,
    presets,
    server_life,
    styles,
    training,
    uploads,
)
from webui.api.access import GuardRules
from webui.api.body_limit import BodyLimit
from webui.api.guard import Guard
from webui.api.sdapi import extras, generate, internal, page_routes, server
from webui.core.errors import (
    Busy,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotOffered,
    OutOfMemory,
    ScriptNotFound,
    ServerEnding,
    StorageError,
    UnusableFile,
    WebuiError,
)
from webui.jobs.services import Services
from webui.library.community.git import GitFailed
from webui.library.fetch.refusals import FetchRefused

STATUS: dict[type[WebuiError], int] = {
    # Before the kind that it is of.
    ScriptNotFound: 422,
    InvalidRequest: 400,
    NotAllowed: 403,
    NotFound: 404,
    UnusableFile: 422,
    Busy: 409,
    OutOfMemory: 503,
    ServerEnding: 503,
    NotOffered: 501,
    StorageError: 507,
    FetchRefused: 502,
    GitFailed: 502,
}


def build_api(services: Services, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The application without the page; the page is mounted on it later."""
    app = FastAPI(
        title="Atelier", version=services.version, docs_url="/docs", redoc_url=None, lifespan=lifespan
    )
    app.include_router(generate.routes(services))
    app.include_router(extras.routes(services))
    app.include_router(server.routes(services))
    app.include_router(internal.routes(services))
    app.include_router(page_routes.routes(services))
    app.include_router(inputs.routes(services))
    app.include_router(uploads.routes(services))
    # Before those of one card, whose ids could be read into its words.
    app.include_router(civitai.routes(services))
    app.include_router(cards.routes(services))
    app.include_router(downloads.routes(services))
    app.include_router(presets.routes(services))
    app.include_router(defaults.routes(services))
    app.include_router(styles.routes(services))
    app.include_router(extensions.routes(services))
    app.include_router(community.routes(services))
    app.include_router(server_life.routes(services))
    app.include_router(parts.routes(services))
    app.include_router(captioning.routes(services))
    app.include_router(datasets.routes(services))
    app.include_router(training.routes(services))
    services.plugins.call_in_time("add_routes", app=app, services=services)
    app.add_exception_handler(WebuiError, refuse)
    app.add_exception_handler(RequestValidationError, refuse_body)
    app.add_exception_handler(ClientDisconnect, hear_nobody)
    app.add_exception_handler(ValidationError, refuse_value)
    app.add_exception_handler(Exception, report_mistake)
    app.add_middleware(BodyLimit, limit_bytes=services.flags.max_request_mb * 2**20)
    guard_app(app, GuardRules.of(services.flags))
    return app


def guard_app(app: FastAPI, rules: GuardRules) -> None:
    """Put the guard in front of everything that is mounted on the application now or later."""
    origins = rules.origins
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins.names),
            allow_origin_regex=origins.regex,
            allow_methods=["*"],
            allow_headers=["*"],
            # Where every site may call, none may do so in the name of who is logged in.
            allow_credentials=not origins.are_all,
        )
    app.add_middleware(Guard, rules=rules)


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """One of our errors: its sentence, in the shape of A1111's answers."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if isinstance(error, FetchRefused) and error.cause == "not a link":
        # No other host had a part in it.
        status = 422
    cause = {"cause": error.cause} if isinstance(error, FetchRefused) else {}
    return sentence(status, type(error).__name__, str(error), cause)


async def refuse_value(request: Request, error: Exception) -> JSONResponse:
    """A part of a request that is checked only inside a route: a sentence about the first wrong field."""
    assert isinstance(error, ValidationError)
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or error.title
    return sentence(422, "InvalidRequest", f"The field {place!r} is {shown(first['input'])}: {first['msg']}.")


async def hear_nobody(request: Request, error: Exception) -> JSONResponse:
    """The client went while it sent a body: no fault of anybody's for the log to tell of."""
    return sentence(400, "InvalidRequest", "The connection broke in the middle of a request. Send it again.")


async def report_mistake(request: Request, error: Exception) -> JSONResponse:
    """A mistake of ours. The server's log has the details, which are nobody else's business."""
    text = "Something went wrong in the server. Its log says what; please report it with what you did."
    return sentence(500, type(error).__name__, text)


async def refuse_body(request: Request, error: Exception) -> JSONResponse:
    """A body of the wrong shape: a sentence about the first wrong field."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    place = ".".join(str(part) for part in first["loc"][1:]) or "body"
    given = shown(first.get("input"))
    return sentence(422, "InvalidRequest", f"The field {place!r} is {given}: {first['msg']}.")


def shown(value: object) -> str:
    """A value of a request as a sentence has it: not too long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def sentence(status: int, kind: str, text: str, more: dict[str, str] | None = None) -> JSONResponse:
    """A refusal."""
    refusal = {"error": kind, "detail": text, "body": "", "errors": text} | (more or {})
    return JSONResponse(refusal, status_code=status)
