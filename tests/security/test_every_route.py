"""Every route of the whole application, Gradio's and mounted parts included, for every method and role.

The rule stands below in words of its own. A route that is added later and not named there belongs to the API:
this test fails if a stranger can reach it where there are accounts.
"""

import asyncio
import base64
import itertools
import re
from collections import Counter
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from tests.security.asgi import Answer, Headers, ask, every_path, scope_of
from webui.api.access import GuardRules
from webui.api.guard import Guard
from webui.core.flags import Flags, read_flags
from webui.main import build_app, build_services

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
HERE = [("Host", "127.0.0.1:7860")]
PASSED = 299
# The rule. Anybody may load the login page and what it is made of, and send the form.
LOGIN_PAGE = {"/", "/favicon.ico", "/manifest.json", "/pwa_icon", "/robots.txt", "/theme.css"}
LOGIN_PAGE_FOLDERS = ("/assets/", "/static/", "/pwa_icon/")
LOGIN_FORM = {"/login", "/login/"}
# Who is logged in to the page may use what the page uses.
OF_PAGE = {"/config", "/config/", "/logout", "/app_id", "/login_check", "/token", "/user"}
FOLDERS_OF_PAGE = (
    *("/gradio_api/", "/v1/", "/svelte/", "/internal/", "/sd_extra_networks/", "/queue/", "/file="),
    *LOGIN_PAGE_FOLDERS,
)
# Parts of Gradio that nobody may use.
CLOSED = (
    "/gradio_api/vibe",
    "/gradio_api/undo-vibe",
    "/gradio_api/proxy=",
    "/gradio_api/dev/",
    "/monitoring",
)
CLOSED_TOO = ("/gradio_api/run-history", "/gradio_api/runs")


def account(text: str) -> tuple[str, str]:
    return "Authorization", "Basic " + base64.b64encode(text.encode()).decode()


@dataclass
class Built:
    """A whole application, its paths and the cookies of somebody who is logged in to its page."""

    flags: Flags
    app: object
    paths: list[str]
    cookies: Headers

    @property
    def has_page_accounts(self) -> bool:
        return bool(self.flags.gradio_auth)

    @property
    def has_api_accounts(self) -> bool:
        return bool(self.flags.api_auth)


CONFIGURATIONS = {
    "open": [],
    "listen": ["--listen"],
    "page login": ["--gradio-auth", "ann:red"],
    "api login": ["--api-auth", "bob:blue"],
    "both": ["--gradio-auth", "ann:red", "--api-auth", "bob:blue", "--listen"],
    "allowed site": ["--gradio-auth", "ann:red", "--cors-allow-origins", "https://friend.example"],
    "every site": ["--gradio-auth", "ann:red", "--cors-allow-origins", "*"],
    "api alone": ["--nowebui", "--api-auth", "bob:blue"],
    "api alone, page login": ["--nowebui", "--gradio-auth", "ann:red"],
}


WITH_PAGE_LOGIN = [
    name for name, flags in CONFIGURATIONS.items() if "--gradio-auth" in flags and "--nowebui" not in flags
]
WITH_ACCOUNTS = [name for name, flags in CONFIGURATIONS.items() if {"--gradio-auth", "--api-auth"} & {*flags}]


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def built(request, tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("server")
    arguments = ["--data-dir", str(folder), "--models-dir", str(folder / "models")]
    flags, _ = read_flags([*arguments, *CONFIGURATIONS[request.param]])
    app = build_app(build_services(flags, folder))
    cookies: Headers = []
    if flags.gradio_auth and not flags.nowebui:
        client = TestClient(app, base_url="http://127.0.0.1:7860")
        client.post("/login", data={"username": "ann", "password": "red"}).raise_for_status()
        cookies = [("Cookie", "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar))]
        assert cookies[0][1]
    paths = sorted({*every_path(app.routes), "/no/such/route", "/file=x", "/internal/x", "/controlnet/x"})
    return Built(flags, app, paths, cookies)


def may_pass(built: Built, path: str, method: str, *, cookie: bool = False, basic: str = "") -> bool:
    """The rule, for somebody with a page's cookie or an account, who comes from our own page or none."""
    if path.startswith((*CLOSED, *CLOSED_TOO)):
        return False
    if not built.has_page_accounts and not built.has_api_accounts:
        return True
    is_login_page = method in ("GET", "HEAD") and (path in LOGIN_PAGE or path.startswith(LOGIN_PAGE_FOLDERS))
    is_login_form = method == "POST" and path in LOGIN_FORM
    is_known = basic == ("bob:blue" if built.has_api_accounts else "ann:red")
    is_of_page = path in LOGIN_PAGE | LOGIN_FORM | OF_PAGE or path.startswith(FOLDERS_OF_PAGE)
    page_is_open = not built.has_page_accounts and not built.flags.nowebui
    is_logged_in = cookie and bool(built.cookies) and (is_of_page or not built.has_api_accounts)
    return is_login_page or is_login_form or is_known or (is_of_page and page_is_open) or is_logged_in


def answers(built: Built, headers: Headers, methods=METHODS) -> dict[tuple[str, str], Answer]:
    """What the guard alone says of every path and method: 299 where it lets a request pass."""
    guard = Guard(PlainTextResponse("passed", PASSED), GuardRules.of(built.flags))
    number = itertools.count()

    async def all_answers() -> dict[tuple[str, str], Answer]:
        return {
            # Each from another address: many wrong passwords from one have to wait.
            (path, method): await ask(
                guard, scope_of(built.app, method, path, headers, address=f"{next(number)}")
            )
            for path in built.paths
            for method in methods
        }

    return asyncio.run(all_answers())


ROLES = {
    "stranger": ([], {}),
    "wrong password": ([account("ann:rde")], {}),
    "wrong name": ([account("bo:blue")], {}),
    "password of another": ([account("ann:blue")], {}),
    "empty account": ([account(":")], {}),
    "no base64": ([("Authorization", "Basic \xe4\xf6")], {}),
    "another scheme": ([("Authorization", "Bearer YW5uOnJlZA==")], {}),
    "wrong cookie": ([("Cookie", "access-token=x; access-token-unsecure-x=y")], {}),
    "page account": ([account("ann:red")], {"basic": "ann:red"}),
    "api account": ([account("bob:blue")], {"basic": "bob:blue"}),
}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gets_more_or_less_than_the_rule(role, built):
    headers, known = ROLES[role]
    wrong = {
        (path, method, answer.status)
        for (path, method), answer in answers(built, [*HERE, *headers]).items()
        if (answer.status == PASSED) != may_pass(built, path, method, **known)
    }
    assert not wrong


@pytest.mark.parametrize("built", WITH_PAGE_LOGIN, indirect=True, scope="module")
def test_who_is_logged_in_to_the_page_gets_what_the_rule_says(built):
    assert built.cookies
    found = answers(built, [*HERE, *built.cookies])
    wrong = {key for key in found if (found[key].status == PASSED) != may_pass(built, *key, cookie=True)}
    assert not wrong
    # The same from the page itself, whose requests tell where they come from.
    own = [*HERE, *built.cookies, ("Origin", "http://127.0.0.1:7860"), ("Sec-Fetch-Site", "same-origin")]
    assert {key: answer.status for key, answer in answers(built, own).items() if key[1] != "OPTIONS"} == {
        key: answer.status for key, answer in found.items() if key[1] != "OPTIONS"
    }


FOREIGN = {
    "another site": [*HERE, ("Origin", "https://evil.example")],
    "a page without an origin": [*HERE, ("Origin", "null")],
    "no origin at all": [*HERE, ("Origin", "http://[")],
    "another port": [*HERE, ("Origin", "http://127.0.0.1:3000")],
    "two origins": [*HERE, ("Origin", "http://127.0.0.1:7860"), ("Origin", "https://evil.example")],
    "a picture in another site": [*HERE, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", "image")],
    "a picture in another port": [*HERE, ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Dest", "image")],
    "a frame in another site": [
        *HERE,
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "iframe"),
    ],
    "a forwarded host": [*HERE, ("Origin", "https://evil.example"), ("X-Forwarded-Host", "evil.example")],
}


@pytest.mark.parametrize("page", FOREIGN)
def test_another_web_site_gets_nothing_in_whoever_s_name(page, built):
    known = [*built.cookies, account("bob:blue" if built.has_api_accounts else "ann:red")]
    allows_all = built.flags.cors_allow_origins == "*"
    if allows_all and page != "two origins" and "Origin" in dict(FOREIGN[page]):
        # The owner allows every site, but none in the name of who is logged in.
        found = answers(built, [*FOREIGN[page], *built.cookies], [m for m in METHODS if m != "OPTIONS"])
        assert all((answer.status == PASSED) == may_pass(built, *key) for key, answer in found.items())
    elif not allows_all or "Origin" in dict(FOREIGN[page]):
        found = answers(built, [*FOREIGN[page], *known])
        assert Counter(answer.status for answer in found.values()) == {403: len(found)}
        assert not any("access-control-allow-origin" in answer.headers for answer in found.values())


@pytest.mark.parametrize("origin", [None, "http://evil.example:7860"])
def test_another_name_for_this_machine_opens_no_more_than_a_stranger_gets_with_a_login(origin, built):
    headers = [("Host", "evil.example:7860"), *([("Origin", origin)] if origin else [])]
    found = answers(built, headers)
    page_is_open = not built.flags.nowebui and not built.has_page_accounts
    asks_everybody = (built.has_api_accounts or built.has_page_accounts) and not page_is_open
    allowed = {key for key in found if asks_everybody and may_pass(built, *key)}
    passed = {key for key, answer in found.items() if answer.status == PASSED}
    # A browser asks by OPTIONS before it sends more; that answer opens nothing.
    assert {key for key in passed if key[1] != "OPTIONS"} <= allowed


def test_the_whole_application_refuses_what_the_guard_refuses(built):
    """Through every layer that is really there: nothing answers before the guard."""

    async def statuses(headers: Headers, keys: list[tuple[str, str]]) -> set[int]:
        scopes = [scope_of(built.app, method, path, headers) for path, method in keys]
        # A route that was reached might never end.
        async with asyncio.timeout(60):
            return {(await ask(built.app, scope)).status for scope in scopes}

    every = [(path, method) for path in built.paths for method in METHODS]
    if built.flags.cors_allow_origins != "*":
        assert asyncio.run(statuses([*HERE, ("Origin", "https://evil.example")], every)) == {403}
    closed = [key for key in every if not may_pass(built, *key)]
    assert asyncio.run(statuses(HERE, closed)) <= {401, 404}


def test_websockets_are_guarded_like_routes(built):
    async def statuses(headers: Headers) -> set[int]:
        scopes = [scope_of(built.app, "GET", path, headers, "websocket") for path in built.paths]
        async with asyncio.timeout(60):
            return {(await ask(built.app, scope)).status for scope in scopes}

    if built.flags.cors_allow_origins != "*":
        assert asyncio.run(statuses([*HERE, ("Origin", "https://evil.example")])) == {403}
    asked = asyncio.run(statuses(HERE))
    assert asked <= {403, 404, 401} or not (built.has_api_accounts or built.has_page_accounts)


@pytest.mark.parametrize("built", WITH_ACCOUNTS, indirect=True, scope="module")
def test_routes_that_come_later_are_closed(built):
    @built.app.get("/extension/secret")
    def secret() -> str:
        return "secret"

    scope = scope_of(built.app, "GET", "/extension/secret", HERE)
    assert asyncio.run(ask(built.app, scope)).status == 401
    assert "/extension/secret" in set(every_path(built.app.routes))


def test_an_unknown_path_is_closed(built):
    guard = Guard(PlainTextResponse("passed", PASSED), GuardRules.of(built.flags))
    parts = st.sampled_from(
        ["..", ".", "", "assets", "login", "sdapi", "v1", "%2e%2e", "static", "options", "\\", "ä"]
    )

    @given(st.lists(parts, max_size=6).map(lambda parts: "/" + "/".join(parts)))
    @settings(max_examples=200)
    def check(path: str) -> None:
        if not may_pass(built, path, "GET") or ".." in path.split("/") or "//" in path:
            answer = asyncio.run(ask(guard, scope_of(built.app, "GET", path, HERE) | {"raw_path": b""}))
            assert answer.status in (401, 404)

    if built.has_page_accounts:
        check()


def test_every_route_was_tried(built):
    """The list is what the application really has: its documented routes, and Gradio's as well."""
    documented = {re.sub(r"\{[^}]*\}", "x", path) for path in built.app.openapi()["paths"]}
    assert len(documented) > 50
    assert documented <= set(every_path(built.app.routes))
    if not built.flags.nowebui:
        assert {"/gradio_api/queue/join", "/gradio_api/upload", "/config", "/assets/page/x"} <= set(
            built.paths
        )
