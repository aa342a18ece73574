"""Which browser asks: an id in a cookie that stays over reloads of the page and restarts of the server."""

import re
import secrets
from collections.abc import Mapping

import gradio as gr
from starlette.responses import Response
from starlette.types import Scope

from webui.jobs.ownership import owner_name

COOKIE = "atelier-browser"
ID_BYTES = 24
BROWSER_ID = re.compile(r"[A-Za-z0-9_-]{32}")
# Browsers keep no cookie for longer.
COOKIE_AGE_S = 400 * 24 * 3600
# Whoever keeps no cookie, such as a script.
NOBODY = ""


def browser_in(cookies: Mapping[str, str]) -> str:
    """The browser's id; NOBODY where it has none yet."""
    found = cookies.get(COOKIE, "")
    return found if BROWSER_ID.fullmatch(found) else NOBODY


def new_browser_id() -> str:
    """An id that cannot be guessed: it is all that tells one browser's uploads and jobs from another's."""
    return secrets.token_urlsafe(ID_BYTES)


def browser_cookie(browser: str, scope: Scope) -> str:
    """The header Set-Cookie that gives a browser its id."""
    response = Response()
    # Lax: somebody who follows a link to the page is still the same.
    response.set_cookie(
        COOKIE,
        browser,
        max_age=COOKIE_AGE_S,
        httponly=True,
        samesite="lax",
        secure=scope.get("scheme") == "https",
    )
    return response.headers["set-cookie"]


def browser_of(request: gr.Request | None) -> str:
    """The browser that sent an event."""
    return browser_in(request.request.cookies) if request and request.request else NOBODY


def owner_of(request: gr.Request | None) -> str:
    """Whose jobs an event's are: who is logged in, else the browser; without a cookie, the open page."""
    if request is None:
        return owner_name(None, NOBODY)
    return owner_name(request.username, browser_of(request) or request.session_hash or NOBODY)
