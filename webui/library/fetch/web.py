"""Asking other hosts: redirects checked one by one, keys kept at home, patience with busy sites."""

import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import httpx

from webui.library.fetch.connections import GuardedTransport
from webui.library.fetch.proxies import Proxies
from webui.library.fetch.refusals import Cause, FetchRefused, PartRefused, Stopped
from webui.library.fetch.sites import NAMES, WEB, Sites, host_and_port
from webui.store.files.staging import size_text

USER_AGENT = "Atelier (self-hosted)"
MAX_REDIRECTS = 8
MAX_JSON_BYTES = 32 * 2**20
# Silence for longer than this ends an attempt.
TIMEOUT = httpx.Timeout(30, connect=15)
TRIES = 5
# Civitai's documentation asks for pauses of 1 to 30 s.
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
BUSY = (429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
LOGIN_PATHS = ("/login", "/signin", "/auth/")
NO_PROXIES = Proxies({})
Keys = Callable[[str], str | None]
Params = Mapping[str, str | int | bool | list[str]]


class Web:
    """The one way out. Any thread; nothing is connected before the first request."""

    def __init__(
        self,
        sites: Sites,
        keys: Keys,
        pause: Callable[[threading.Event, float], None] | None = None,
        proxies: Proxies = NO_PROXIES,
    ) -> None:
        """`keys` gives a site's key; `pause` waits unless the event comes first."""
        self.sites = sites
        self._keys = keys
        self._pause = wait if pause is None else pause
        self._proxies = proxies
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def json(
        self,
        url: str,
        params: Params | None = None,
        body: object = None,
        stop: threading.Event | None = None,
    ) -> Any:  # noqa: ANN401 - whatever JSON the site answers with
        """A site's answer; with a body it is posted. Raises FetchRefused."""
        stop = stop or threading.Event()
        address = str(httpx.URL(url, params=dict(params))) if params else url
        with self.open(address, {"Accept": "application/json"}, stop, body) as response:
            data = read_at_most(response, stop)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise FetchRefused(
                "login page" if is_html(response) else "unexpected",
                f"{self.name_of(url)} answered with something else than asked. Try again later.",
            ) from error

    def bytes(self, url: str, most: int) -> bytes:
        """A small file. Raises FetchRefused, also if it has more bytes than `most`."""
        stop = threading.Event()
        with self.open(url, {}, stop) as response:
            return read_at_most(response, stop, most)

    @contextmanager
    def open(
        self,
        url: str,
        headers: Mapping[str, str],
        stop: threading.Event,
        body: object = None,
    ) -> Generator[httpx.Response, None, None]:
        """The answer to a request, its body not read yet, after redirects and pauses. Raises FetchRefused."""
        for attempt in range(1, TRIES + 1):
            response = self._follow(url, headers, body)
            try:
                if response.status_code not in BUSY or attempt == TRIES:
                    self._refuse(response, url)
                    yield response
                    return
                pause = pause_s(response, attempt)
            finally:
                response.close()
            self._pause(stop, pause)
            if stop.is_set():
                raise Stopped

    def name_of(self, url: str) -> str:
        """What people call the host of an address."""
        return NAMES.get(self.sites.site_of(url), urlsplit(url).hostname or "the site")

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    transport=GuardedTransport(self.sites.trusted, self._proxies),
                    timeout=TIMEOUT,
                    follow_redirects=False,
                    trust_env=False,
                )
            return self._client

    def _follow(self, url: str, headers: Mapping[str, str], body: object) -> httpx.Response:
        for _ in range(MAX_REDIRECTS):
            self._check(url)
            response = self._send(url, headers, body)
            target = response.headers.get("location")
            if response.status_code not in REDIRECTS or not target:
                return response
            response.close()
            target = urljoin(url, target)
            if self.sites.key_site(url) and urlsplit(target).path.startswith(LOGIN_PATHS):
                raise self._login_wanted(url)
            url, body = target, None
        raise FetchRefused("unexpected", f"{self.name_of(url)} sends from one address to the next for ever.")

    def _send(self, url: str, headers: Mapping[str, str], body: object) -> httpx.Response:
        # A body in other encodings would have another length than the file.
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        site = self.sites.key_site(url)
        if site is not None and (key := self._keys(site)):
            sent["Authorization"] = f"Bearer {key}"
        client = self._connected()
        try:
            request = client.build_request("GET" if body is None else "POST", url, headers=sent, json=body)
            return client.send(request, stream=True)
        except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
            raise FetchRefused("unexpected", f"The address {url[:200]} cannot be asked.") from error

    def _check(self, url: str) -> None:
        try:
            scheme, host = urlsplit(url).scheme, host_and_port(url)
        except ValueError as error:
            raise FetchRefused("unexpected", "A link leads to an address that makes no sense.") from error
        if scheme != "https" and not (scheme == "http" and host in self.sites.trusted):
            raise FetchRefused(
                "private address", f"{self.name_of(url)} is not asked without encryption. Give an https link."
            )

    def _refuse(self, response: httpx.Response, asked: str) -> None:
        """Raise what a status means, by its cause."""
        status = response.status_code
        if status < 400:
            return
        name, told = self.name_of(asked), error_text(response)
        if "early access" in told.lower():
            raise early_access(told)
        if status == 401:
            raise self._login_wanted(asked)
        if status == 416:
            raise PartRefused(
                f"{name} has another file now than when the download began. Begin again.",
                whole_size(response),
            )
        causes: dict[int, tuple[Cause, str]] = {
            403: ("not allowed", self._forbidden(asked, told)),
            404: ("gone", f"{name} has no such model any more, or never had. Check the link."),
            410: ("gone", f"{name} has removed this model."),
            429: ("too many requests", f"{name} was asked too often. Wait a few minutes and try again."),
            451: ("gone", f"{name} may not offer this model for legal reasons."),
        }
        cause, sentence = causes.get(
            status, ("unexpected", f"{name} has trouble (HTTP {status}). Try again later.")
        )
        raise FetchRefused(cause, sentence)

    def _forbidden(self, asked: str, told: str) -> str:
        name = self.name_of(asked)
        told = f" It says: {told.rstrip('.')}." if told else ""
        return (
            f"{name} does not let you have this.{told} Look at its page there: you may have to accept terms."
        )

    def _login_wanted(self, asked: str) -> FetchRefused:
        site, name = self.sites.site_of(asked), self.name_of(asked)
        if site == WEB:
            return FetchRefused("not allowed", f"{name} wants a login, which cannot be given here.")
        if self._keys(site):
            return FetchRefused(
                "key needed",
                f"{name} does not accept your API key for this. Make a new one there and enter it.",
            )
        return FetchRefused(
            "key needed",
            f"{name} gives this only to people with an account. Make an API key there and enter it here.",
        )


def wait(stop: threading.Event, seconds: float) -> None:
    """Wait, but no longer once the event came."""
    stop.wait(seconds)


def pause_s(response: httpx.Response, attempt: int) -> float:
    """How long to wait before the next attempt: what the site says, else longer each time."""
    asked = retry_after(response.headers.get("retry-after", ""))
    pause = asked if asked is not None else SHORTEST_PAUSE_S * 2 ** (attempt - 1)
    return min(max(pause, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)


def retry_after(text: str) -> float | None:
    """Seconds in a Retry-After header, which gives a number or a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None


def read_at_most(response: httpx.Response, stop: threading.Event, most: int = MAX_JSON_BYTES) -> bytes:
    """A whole body, as far as it may be."""
    data = bytearray()
    for piece in response.iter_bytes():
        data += piece
        if stop.is_set():
            raise Stopped
        if len(data) > most:
            raise FetchRefused(
                "unexpected", f"The answer has more than {size_text(most)}, so it was not read."
            )
    return bytes(data)


def whole_size(response: httpx.Response) -> int | None:
    """The size of a file, in the refusal of a part behind its end."""
    size = response.headers.get("content-range", "").removeprefix("bytes */")
    return int(size) if size.isdecimal() and size.isascii() else None


def is_html(response: httpx.Response) -> bool:
    """Whether the answer is a page for people."""
    return "html" in response.headers.get("content-type", "")


def error_text(response: httpx.Response) -> str:
    """What the site says about its refusal, in its own words; shortened."""
    if "json" not in response.headers.get("content-type", ""):
        return ""
    try:
        data = read_at_most(response, threading.Event(), 100_000)
        document = json.loads(data)
    except (ValueError, RecursionError, FetchRefused):
        return ""
    return json_error(document)


def json_error(document: object) -> str:
    """The sentences in an error object."""
    if not isinstance(document, dict):
        return ""
    found = cast("dict[str, object]", document)
    inner = found.get("error")
    if isinstance(inner, dict):
        found |= cast("dict[str, object]", inner)
    texts = [found.get("error"), found.get("message"), found.get("deadline")]
    return " ".join(text.strip() for text in texts if isinstance(text, str))[:300]


def early_access(told: str) -> FetchRefused:
    """Somebody asks money for being first."""
    return FetchRefused(
        "early access",
        "This version is in early access: only those who paid for it on Civitai can have it yet. "
        "Wait until it is free, or buy it there.",
    )
