"""How large the body of one request may be. It is read into memory, whoever sent it."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.api.guard import refusal

# Gradio writes these to the disk as they come.
STREAMED = "/gradio_api/upload"


class BodyLimit:
    """Pure ASGI middleware: more than the limit is refused, before it is read where the headers tell."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self.app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass as far as its body is not too large."""
        if scope["type"] != "http" or scope["path"].rstrip("/") == STREAMED:
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdigit() and int(length) > self._limit_bytes:
            await self._refuse(scope, receive, send)
            return
        body = CountedBody(receive, send, self._limit_bytes)
        try:
            await self.app(scope, body.receive, body.send)
        except ClientDisconnect:
            # What whoever reads a body that breaks off may say.
            if not body.is_too_large:
                raise
        if body.is_too_large and not body.has_answer:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limit_bytes // 2**20
        text = (
            f"The request has more than {limit} MB. Send less at once, or start the server with a larger "
            "--max-request-mb. Files of models are uploaded in parts, which is never too much."
        )
        await refusal(413, text)(scope, receive, send)


class CountedBody:
    """The two ends of one request, which breaks off where its body becomes too large."""

    def __init__(self, receive: Receive, send: Send, limit_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._left_bytes = limit_bytes
        self.has_answer = False

    @property
    def is_too_large(self) -> bool:
        """Whether more came than may."""
        return self._left_bytes < 0

    async def receive(self) -> Message:
        """The next part; the client seems to be gone once it sent too much."""
        if not self.is_too_large:
            message = await self._receive()
            self._left_bytes -= len(message.get("body", b""))
            if not self.is_too_large:
                return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass an answer on, unless it is one about half a body."""
        if self.is_too_large and not self.has_answer:
            return
        self.has_answer = True
        await self._send(message)
