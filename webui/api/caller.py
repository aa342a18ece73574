"""Who asks for what: a request as the guard sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from webui.api.access import GuardRules
from webui.api.hosts import Host, Origin

SAFE_METHODS = ("GET", "HEAD")
# What the login page is made of: files of Gradio and of ours, the same in every installation.
LOGIN_FILES = ("/assets/", "/static/", "/pwa_icon/")
LOGIN_PATHS = frozenset({"/", "/favicon.ico", "/manifest.json", "/pwa_icon", "/robots.txt", "/theme.css"})
LOGIN_FORMS = frozenset({"/login", "/login/"})
# What the page asks for. Everything else is the API's.
PAGE_PREFIXES = (
    *LOGIN_FILES,
    "/file=",
    "/gradio_api/",
    "/internal/",
    "/queue/",
    "/sd_extra_networks/",
    "/svelte/",
    "/v1/",
)
PAGE_PATHS = LOGIN_PATHS | {"/app_id", "/config", "/config/", "/login_check", "/logout", "/token", "/user"}
# They rewrite the program, ask other hosts, or tell about other people's runs.
UNUSED_BY_PAGE = (
    "/gradio_api/dev/",
    "/gradio_api/proxy=",
    "/gradio_api/run-history",
    "/gradio_api/runs",
    "/gradio_api/undo-vibe",
    "/gradio_api/vibe",
    "/monitoring",
)
# Links of other sites may lead to pages, but not to these: they change something, or are no pages.
NOT_LINKED = ("/gradio_api/", "/logout", "/sdapi/", "/v1/")


class Area(Enum):
    """To whom a path belongs."""

    LOGIN = "what the login page is made of"
    PAGE = "what the page asks for"
    API = "everything else"


@dataclass(frozen=True, slots=True)
class Caller:
    """A request as the guard sees it: what was said about where it comes from, and what it wants."""

    scope: Scope
    headers: Headers
    rules: GuardRules
    hosts: tuple[Host, ...]

    @classmethod
    def of(cls, scope: Scope, rules: GuardRules) -> Self:
        """Of an HTTP request or a websocket. `hosts` is empty where what was said is no single host."""
        headers = Headers(scope=scope)
        names = headers.getlist("host")
        if rules.behind_proxy:
            names += [
                name.strip() for line in headers.getlist("x-forwarded-host") for name in line.split(",")
            ]
        hosts = [Host.parse(name) for name in names]
        known = tuple(host for host in hosts if host is not None)
        is_clear = len(headers.getlist("host")) == 1 and len(known) == len(hosts)
        return cls(scope, headers, rules, known if is_clear else ())

    @property
    def area(self) -> Area:
        """To whom the path belongs."""
        return area_of(self.scope["path"], self.method)

    @property
    def method(self) -> str:
        """The method; a websocket begins with a GET."""
        return self.scope.get("method", "GET")

    @property
    def address(self) -> str:
        """From where it comes, as far as a proxy on this machine or the connection tells."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def is_login(self) -> bool:
        """Whether it brings the login page's form."""
        return self.method == "POST" and self.scope["path"] in LOGIN_FORMS

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks what a page of an allowed site may send; it sends no cookies with that."""
        return (
            self.method == "OPTIONS"
            and "origin" in self.headers
            and ("access-control-request-method" in self.headers)
        )

    @property
    def is_navigation(self) -> bool:
        """Whether a person followed a link, so that the answer becomes the whole page."""
        said = (self.headers.get("sec-fetch-mode"), self.headers.get("sec-fetch-dest"))
        return self.method in SAFE_METHODS and said == ("navigate", "document")

    def is_own(self, origin: str) -> bool:
        """Whether a page of this origin is ours."""
        parsed = Origin.parse(origin)
        return parsed is not None and any(parsed.is_at(host) for host in self.hosts)

    def may_call(self, origin: str) -> bool:
        """Whether a page of this origin is ours or one that the owner allows."""
        return self.is_own(origin) or self.rules.origins.are_all or self.rules.origins.name(origin)

    @property
    def knows_page_user(self) -> Callable[[Mapping[str, str]], bool] | None:
        """Tells by the cookies whether somebody may see the page; None where no page is mounted."""
        return getattr(self.scope["app"].state, "knows_page_user", None) if "app" in self.scope else None

    @property
    def page_is_open(self) -> bool:
        """Whether a page is mounted that asks nobody to log in."""
        return self.knows_page_user is not None and not self.rules.page_accounts

    @property
    def is_page_user(self) -> bool:
        """Whether somebody who is logged in to the page asks for this."""
        origin = self.headers.get("origin")
        if origin is not None and not self.is_own(origin) and not self.rules.origins.name(origin):
            # A site allowed only by `*` has nobody's login: the browser sends cookies, whoever asks.
            return False
        knows = self.knows_page_user
        return knows is not None and knows(cookie_parser(self.headers.get("cookie", "")))


def area_of(path: str, method: str) -> Area:
    """To whom a path belongs. A path that is not plain is the API's, to which strangers have no way."""
    if not path.startswith("/") or "\\" in path or "//" in path or ".." in path.split("/"):
        return Area.API
    if path in LOGIN_FORMS and method == "POST":
        return Area.LOGIN
    if method in SAFE_METHODS and (path in LOGIN_PATHS or path.startswith(LOGIN_FILES)):
        return Area.LOGIN
    is_of_page = path in PAGE_PATHS or path in LOGIN_FORMS or path.startswith(PAGE_PREFIXES)
    return Area.PAGE if is_of_page else Area.API
