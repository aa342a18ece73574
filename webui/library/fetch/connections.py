"""Connections to public addresses only, so that no link can make the server ask its own network.

A name is resolved here, every address it has is checked, and the connection goes to an address that was
checked: a name that means something else a moment later changes nothing. Where the server's owner named a
proxy, that one resolves and connects; what is private as far as can be told here is not asked of it.
"""

import ipaddress
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from webui.library.fetch.proxies import DEFAULT_PORTS, Proxies, Proxy, is_name_of_the_internet
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.slow_transfer import TimedBackend, TooSlow

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Networks whose IPv6 addresses have an IPv4 address inside (RFC 6052).
NAT64 = ipaddress.ip_network("64:ff9b::/96")
MAX_CONNECTIONS = 12


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet, and whatever IPv4 address is inside it too."""
    inner = inner_address(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def inner_address(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in an IPv6 one that is translated on its way."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def public_addresses(host: str, port: int) -> list[str]:
    """The addresses of a name. Raises FetchRefused if one of them is not public, or there is none."""
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise FetchRefused(
            "no connection", f"{host} cannot be found. Check the address and this machine's connection."
        ) from error
    if not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise private_address(host)
    return addresses


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name. Raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found))


def refuse_private(host: str, port: int) -> None:
    """Raise FetchRefused for what a proxy must not be asked for.

    Names that cannot be resolved here may be known to the proxy: many inner networks know no others.
    """
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        if not is_name_of_the_internet(host):
            raise private_address(host) from None
        return
    if not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise private_address(host)


def private_address(host: str) -> FetchRefused:
    """No link may lead into the server's own network."""
    return FetchRefused(
        "private address",
        f"{host} is an address in a private network, which is not asked. Give a public address.",
    )


def guard_backend(trusted: frozenset[str]) -> TimedBackend:
    """Opens sockets to checked addresses; `trusted` hosts ("host:port") are taken as they are."""

    def find_addresses(host: str, port: int) -> list[str]:
        return [host] if f"{host}:{port}" in trusted else public_addresses(host, port)

    return TimedBackend(find_addresses)


class GuardedTransport(httpx.BaseTransport):
    """httpx over guarded connections, or over a proxy. Failures of the network come out as FetchRefused."""

    def __init__(self, trusted: frozenset[str], proxies: Proxies) -> None:
        self._trusted = trusted
        self._proxies = proxies
        self._ssl_context = httpx.create_ssl_context()
        self._lock = threading.Lock()
        self._pools: dict[Proxy | None, httpcore.ConnectionPool] = {}

    def _pool(self, host: str, port: int, scheme: str) -> httpcore.ConnectionPool:
        """The connections to use for a host."""
        proxy = self._proxies.find(scheme, host, port)
        if proxy is not None and f"{host}:{port}" not in self._trusted:
            refuse_private(host, port)
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._proxied(proxy) if proxy else self._direct()
            return self._pools[proxy]

    def _direct(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._ssl_context,
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=30,
            network_backend=guard_backend(self._trusted),
        )

    def _proxied(self, proxy: Proxy) -> httpcore.ConnectionPool:
        # Named by the server's owner, so it may lie in the private network: connected to as it is.
        return httpcore.HTTPProxy(
            proxy.url,
            proxy_auth=proxy.login,
            ssl_context=self._ssl_context,
            proxy_ssl_context=self._ssl_context if proxy.scheme == "https" else None,
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=30,
            network_backend=TimedBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is read as it is asked for."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        port = request.url.port or DEFAULT_PORTS.get(request.url.scheme, 0)
        pool = self._pool(request.url.host, port, request.url.scheme)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with network_errors(request.url.host):
            response = pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status, headers=response.headers, stream=GuardedStream(response, request.url.host)
        )

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()


class GuardedStream(httpx.SyncByteStream):
    """The body of an answer, piece by piece."""

    def __init__(self, response: httpcore.Response, host: str) -> None:
        self._response = response
        self._host = host

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, as they come."""
        with network_errors(self._host):
            yield from self._response.iter_stream()

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()


@contextmanager
def network_errors(host: str) -> Generator[None, None, None]:
    """Turns failures of the network into FetchRefused."""
    try:
        yield
    except httpcore.ProxyError as error:
        raise FetchRefused("no connection", proxy_refusal(str(error), host)) from error
    except httpcore.RemoteProtocolError as error:
        raise FetchRefused("truncated", f"{host} broke off before the end. Try again.") from error
    except TooSlow as error:
        raise FetchRefused("unexpected", f"{host} sends next to nothing. Try again later.") from error
    except httpcore.TimeoutException as error:
        raise FetchRefused("no connection", f"{host} did not answer in time. Try again later.") from error
    except httpcore.ConnectError as error:
        raise FetchRefused(
            "no connection", f"{host} cannot be reached. Check this machine's connection."
        ) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise FetchRefused("no connection", f"The connection to {host} broke. Try again.") from error


def proxy_refusal(told: str, host: str) -> str:
    """What a proxy said, as a sentence."""
    if told.startswith("407"):
        return (
            "The proxy wants a login. Write it into HTTPS_PROXY, as http://name:password@proxy:port, and "
            "start the server again."
        )
    return f"The proxy does not lead to {host}: it says {told.strip() or 'nothing'}. Ask those who run it."
