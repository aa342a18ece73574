"""Connections: a request must arrive in time, and those that never do make room for others.

uvicorn waits for ever for the rest of a request that has begun. Whoever begins many holds every connection
that the system allows, and nobody else is answered.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

TOO_SLOW = "The request did not arrive in time, so the server stopped waiting for it. Send it again."
TOO_MANY = "The server has as many connections as it can hold. Close some pages and try again."
NOT_HTTP = "This is no HTTP request, or its headers are too long. Check the address and the client."


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, and for how much.

    A body must bring `body_bytes` in each `body_s`: slow networks do, however large a file is. Time in which
    the server itself does not read is not counted.
    """

    headers_s: float = 20
    body_s: float = 30
    body_bytes: int = 4096
    # Whoever does not take an answer that lies ready for them.
    unread_s: float = 120
    connections: int = 1000

    @property
    def look_every_s(self) -> float:
        """How often each connection is looked at."""
        return min(self.headers_s, self.body_s, self.unread_s) / 4


class WatchedProtocol(H11Protocol):
    """uvicorn's protocol, with an eye on the clock."""

    limits: ClassVar[Limits] = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came; others that have not asked for anything yet make room if there are too many."""
        super().connection_made(transport)
        now = self.loop.time()
        # When the headers began that are not complete; None while there is nothing to wait for.
        self.waits_since: float | None = now
        self._received = self._received_before = 0
        self._window_began = self._unread_since = now
        self._unread = 0
        self._watch = self.loop.call_later(self.limits.look_every_s, self._look)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        self._received += len(data)
        was_in_body = self.is_in_body
        super().data_received(data)
        if self.is_in_body and not was_in_body:
            self._begin_window()
        if self.conn.their_state is not h11.IDLE:
            self.waits_since = None
        elif self.waits_since is None and self.conn.trailing_data[0]:
            self.waits_since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the shape of all refusals."""
        self._refuse(400, NOT_HTTP)

    @property
    def is_in_body(self) -> bool:
        """Whether headers are there and the body is not whole yet."""
        return self.conn.their_state is h11.SEND_BODY

    def _look(self) -> None:
        # A websocket takes the transport over; it has its own clock.
        if self.transport.get_protocol() is not self:
            return
        self._watch = self.loop.call_later(self.limits.look_every_s, self._look)
        now = self.loop.time()
        if self._is_unread(now):
            self.transport.abort()
        elif self._is_late(now) or self._is_trickling(now):
            self._refuse(408, TOO_SLOW)

    def _is_late(self, now: float) -> bool:
        """Whether headers that have begun are not whole yet."""
        return self.waits_since is not None and now - self.waits_since > self.limits.headers_s

    def _is_unread(self, now: float) -> bool:
        """Whether the client has taken nothing of what lies ready, for too long."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_since = unread, now
        return now - self._unread_since > self.limits.unread_s

    def _is_trickling(self, now: float) -> bool:
        """Whether a body that is not whole brings next to nothing."""
        if not self.is_in_body:
            return False
        if self.flow.read_paused or (self.cycle and self.cycle.waiting_for_100_continue):
            self._begin_window()
        if now - self._window_began < self.limits.body_s:
            return False
        too_little = self._received - self._received_before < self.limits.body_bytes
        self._begin_window()
        return too_little

    def _begin_window(self) -> None:
        self._window_began, self._received_before = self.loop.time(), self._received

    def _make_room(self) -> None:
        """Close the connection that has waited longest with its request, else this one."""
        # Every connection of this server is one of these, or a websocket that was.
        others = [each for each in cast("set[Any]", self.connections) if isinstance(each, WatchedProtocol)]
        waiting = [each for each in others if each.waits_since is not None and each is not self]
        oldest = min(waiting, key=lambda each: each.waits_since or 0, default=None)
        if oldest is None:
            self._refuse(503, TOO_MANY)
        else:
            oldest.transport.abort()
            # Until the loop says so, it would be found again.
            oldest.waits_since = None
            self.connections.discard(oldest)

    def _refuse(self, status: int, text: str) -> None:
        """Say why, where no answer has begun, and close."""
        has_begun = bool(self.cycle) and self.cycle.response_started and not self.cycle.response_complete
        is_unasked = self._received == 0 and status == 408
        if not has_begun and not is_unasked and not self.transport.is_closing():
            self.transport.write(plain_answer(status, text))
        self.waits_since = None
        self.transport.close()


def plain_answer(status: int, text: str) -> bytes:
    """A whole answer that ends the connection."""
    reason = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}[status]
    body = json.dumps({"error": "Refused", "detail": text, "body": "", "errors": text}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def make_protocol(limits: Limits) -> type[WatchedProtocol]:
    """The protocol with other limits."""
    return type("LimitedProtocol", (WatchedProtocol,), {"limits": limits})
