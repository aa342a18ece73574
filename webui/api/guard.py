"""One guard in front of every route, page event and websocket: under which name, from which page, and who.

What is not named here is closed: a new route needs an account wherever there are accounts.
docs/security.md has the rules for people; tests/security tries them on every route.
"""

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.api.access import GuardRules, credentials_of, knows_account
from webui.api.caller import NOT_LINKED, UNUSED_BY_PAGE, Area, Caller
from webui.api.hosts import AllowedOrigins, Host, Origin
from webui.api.wrong_logins import WrongLogins

FOREIGN_PAGE = (
    "Another web site tried to use this server. If that site is yours, start the server with "
    "--cors-allow-origins and its address, such as --cors-allow-origins https://my.example."
)
NO_HOST = (
    "The request does not name one host. Send one Host header with a name and a port, such as 127.0.0.1:7860."
)
WANTS_ACCOUNT = "This needs a user name and a password. Send them as HTTP basic authentication."
WANTS_LOGIN = "Log in to the page first, or send a user name and a password as HTTP basic authentication."
TOO_MANY_WRONG = (
    "Too many wrong passwords came from your address within a minute. Wait {wait_s} seconds, then try again "
    "with the right one."
)
RawHeaders = list[tuple[bytes, bytes]]


class Guard:
    """Pure ASGI middleware, the outermost but for what may answer in its name."""

    def __init__(self, app: ASGIApp, rules: GuardRules) -> None:
        self.app = app
        self._rules = rules
        self._credentials = credentials_of(rules.accounts)
        self._headers = answer_headers(rules.origins)
        self._wrong_logins = WrongLogins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        caller = Caller.of(scope, self._rules)
        refused = self._refusal(caller)
        answer = add_headers(send, self._headers)
        if refused is None and caller.is_login and self._rules.page_accounts:
            answer = self._watch_login(caller.address, answer)
        await (refused or self.app)(scope, receive, answer)

    def _refusal(self, caller: Caller) -> Response | None:
        return (
            self._refuse_host(caller)
            or refuse_page(caller)
            or self._refuse_person(caller)
            or refuse_unused(caller)
        )

    def _refuse_host(self, caller: Caller) -> Response | None:
        if not caller.hosts:
            return refusal(400 if len(caller.headers.getlist("host")) != 1 else 403, NO_HOST)
        if self._rules.accounts and not caller.page_is_open:
            # No route is open to strangers, so another name for this server opens nothing.
            return None
        unknown = next((host for host in caller.hosts if not self._rules.hosts.allow(host)), None)
        return refusal(403, unknown_host(unknown)) if unknown else None

    def _refuse_person(self, caller: Caller) -> Response | None:
        if self._is_open(caller) or caller.is_preflight:
            return self._refuse_guesses(caller) if caller.is_login else None
        has_own_accounts = caller.area is Area.API and bool(self._rules.api_accounts)
        # First, so that a page that is open goes on whatever others of its address try.
        if not has_own_accounts and caller.is_page_user:
            return None
        if authorization := caller.headers.get("authorization", ""):
            if refused := self._refuse_guesses(caller):
                return refused
            if knows_account(self._credentials, authorization):
                return None
            self._wrong_logins.note(caller.address)
        answer = refusal(401, WANTS_ACCOUNT if caller.area is Area.API else WANTS_LOGIN)
        if caller.area is Area.API:
            # Not for the page's own requests: a browser would ask for a password of its own accord.
            answer.headers["WWW-Authenticate"] = "Basic"
        return answer

    def _refuse_guesses(self, caller: Caller) -> Response | None:
        """The refusal of a password, right or wrong, from an address of which many were wrong just now."""
        wait_s = self._wrong_logins.wait_s(caller.address)
        if not wait_s:
            return None
        answer = refusal(429, TOO_MANY_WRONG.format(wait_s=wait_s))
        answer.headers["Retry-After"] = str(wait_s)
        return answer

    def _watch_login(self, address: str, send: Send) -> Send:
        """`send` for the login page's form. It counts as wrong until the answer says that it was right:
        else many could be tried at once.
        """
        self._wrong_logins.note(address)

        async def send_and_look(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                self._wrong_logins.take_back(address)
            await send(message)

        return send_and_look

    def _is_open(self, caller: Caller) -> bool:
        if not self._rules.accounts or caller.area is Area.LOGIN:
            return True
        return caller.area is Area.PAGE and caller.page_is_open


def refuse_page(caller: Caller) -> Response | None:
    """The refusal of a request that another web site's page sent; None for others."""
    origins = caller.headers.getlist("origin")
    if origins:
        is_allowed = len(origins) == 1 and caller.may_call(origins[0])
        return None if is_allowed else refusal(403, FOREIGN_PAGE)
    if caller.headers.get("sec-fetch-site", "none").lower() in ("same-origin", "none"):
        return None
    # A browser tells no origin for pictures, scripts and links; then where the page lies may stand here.
    referer = Origin.parse("/".join(caller.headers.get("referer", "").split("/")[:3]))
    if referer is not None and caller.may_call(str(referer)):
        return None
    if caller.is_navigation and not caller.scope["path"].startswith(NOT_LINKED):
        return None
    return refusal(403, FOREIGN_PAGE)


def refuse_unused(caller: Caller) -> Response | None:
    """The refusal of parts of Gradio that our page does not use and that do more than show it."""
    if not caller.scope["path"].startswith(UNUSED_BY_PAGE):
        return None
    return refusal(404, "This part of Gradio is not offered here. Use the page, or the API under /sdapi/v1.")


def add_headers(send: Send, ours: RawHeaders) -> Send:
    """`send`, which adds these headers to an answer that does not have them."""

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            names = {name.lower() for name, _ in headers}
            message = {**message, "headers": headers + [pair for pair in ours if pair[0] not in names]}
        await send(message)

    return send_with


def answer_headers(origins: AllowedOrigins) -> RawHeaders:
    """What every answer tells browsers: not to guess types, and whose pages may show ours inside them.

    A page around ours could make people click on what they do not see.
    """
    around = [
        *sorted(name for name in origins.names if Origin.parse(name)),
        *(["*"] if origins.are_all else []),
    ]
    headers = [
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", " ".join(["frame-ancestors 'self'", *around]).encode()),
    ]
    return headers if origins else [*headers, (b"cross-origin-resource-policy", b"same-origin")]


def unknown_host(host: Host) -> str:
    """What to say to a request for a host that this server is not known to be."""
    return (
        f"Without a login this server answers only to names it knows, and {host.name!r} is none of them. "
        "Open it as http://127.0.0.1 or, with --listen, by its IP address. For another name start it with "
        "--server-name, with --cors-allow-origins and the whole address, or with --gradio-auth."
    )


def refusal(status: int, text: str) -> Response:
    """A sentence in the shape of A1111's errors."""
    return JSONResponse({"error": "Refused", "detail": text, "body": "", "errors": text}, status_code=status)
