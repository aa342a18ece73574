"""One guard in front of every route, upload and websocket: who may come in, and from which page."""

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
API_PREFIXES = ("/sdapi/", "/v1/")
# What our own page asks of the API: for those who may see the page, and where the page asks for a login, for
# nobody else but the API's accounts.
PAGE_PREFIX = "/v1/"


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Names with passwords for the API (none: open), and whose pages may call it besides our own."""

    accounts: dict[str, str]
    origins: frozenset[str]
    origins_regex: str | None = None

    def allow(self, origin: str) -> bool:
        """Whether a page from this origin may call."""
        by_regex = self.origins_regex is not None and re.fullmatch(self.origins_regex, origin) is not None
        return origin in self.origins or "*" in self.origins or by_regex


class Guard:
    """Pure ASGI middleware.

    A browser's request that changes something must come from our own page or an allowed origin, so that no
    other web site can drive a server on this machine.
    """

    def __init__(self, app: ASGIApp, rules: GuardRules) -> None:
        self.app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass or answer it here."""
        if scope["type"] in ("http", "websocket"):
            answer = self._refusal(scope)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_own_page(scope, headers):
            return refusal(
                403, "Another web site tried to use this server. Allow it with --cors-allow-origins."
            )
        if (
            self._needs_login(scope)
            and scope.get("method") != "OPTIONS"
            and not self._knows(headers.get("authorization", ""))
            and not is_page_user(scope, headers)
        ):
            answer = refusal(
                401, "The API wants a user name and password. Send them as HTTP basic authentication."
            )
            answer.headers["WWW-Authenticate"] = "Basic"
            return answer
        return None

    def _needs_login(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if self._rules.accounts and path.startswith(API_PREFIXES):
            return True
        return path.startswith(PAGE_PREFIX) and page_knowledge(scope) is not None

    def _is_own_page(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in SAFE_METHODS):
            return True
        # Behind a proxy the host that the browser sees stands in X-Forwarded-Host.
        hosts = {headers.get("host"), headers.get("x-forwarded-host")} - {None, ""}
        return urlsplit(origin).netloc in hosts or self._rules.allow(origin)

    def _knows(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        expected = self._rules.accounts.get(user)
        return expected is not None and secrets.compare_digest(expected.encode(), password.encode())


def is_page_user(scope: Scope, headers: Headers) -> bool:
    """Whether the page asks for something of its own, on behalf of somebody who is logged in to it.

    The page, once it hangs in the server, leaves a function of the cookies that tells.
    """
    knows = page_knowledge(scope)
    if knows is None or not scope["path"].startswith(PAGE_PREFIX):
        return False
    return knows(cookie_parser(headers.get("cookie", "")))


def page_knowledge(scope: Scope) -> Callable[[Mapping[str, str]], bool] | None:
    """What tells by its cookies whether somebody may see the page; None where no page hangs in the server."""
    return getattr(scope["app"].state, "knows_page_user", None) if "app" in scope else None


def refusal(status: int, text: str) -> Response:
    """A sentence in the shape of A1111's errors."""
    return JSONResponse({"error": "Refused", "detail": text, "body": "", "errors": text}, status_code=status)
