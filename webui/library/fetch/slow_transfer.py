"""Connections that are given up if next to nothing comes, though never quite nothing."""

import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpcore

# A site that sends less than a kilobyte a second for a minute would hold its line for days.
SLOW_S, SLOW_BYTES = 60.0, 60 * 1024


# Host and port to the addresses to try, at least one.
FindAddresses = Callable[[str, int], list[str]]


class TooSlow(httpcore.ReadTimeout):
    """Next to nothing came for a while."""


class TimedStream(httpcore.NetworkStream):
    """A connection that gives up when data trickles. Raises TooSlow."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._waited_s, self._came = 0.0, 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What came."""
        began = time.monotonic()
        data = self._stream.read(max_bytes, timeout)
        self._waited_s += time.monotonic() - began
        self._came += len(data)
        if self._waited_s > SLOW_S:
            if self._came < SLOW_BYTES:
                raise TooSlow
            self._waited_s, self._came = 0.0, 0
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send a question; the wait for its answer begins."""
        self._waited_s, self._came = 0.0, 0
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same, encrypted."""
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        """What httpcore asks about the socket."""
        return self._stream.get_extra_info(info)


def keep_host(host: str, port: int) -> list[str]:
    """The host's name as its one address: the system looks it up."""
    return [host]


class TimedBackend(httpcore.NetworkBackend):
    """Opens connections that give up when data trickles."""

    def __init__(self, find_addresses: FindAddresses = keep_host) -> None:
        """`find_addresses` says what to connect to; what it raises gets through."""
        self._plain = httpcore.SyncBackend()
        self._find_addresses = find_addresses

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that answers."""
        *others, last = self._find_addresses(host, port)

        def connect(address: str) -> httpcore.NetworkStream:
            return TimedStream(self._plain.connect_tcp(address, port, timeout, local_address, socket_options))

        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return connect(address)
        return connect(last)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._plain.sleep(seconds)
