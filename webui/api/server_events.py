"""Server-sent events: a page hears of changes as they happen, without polling."""

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi import Request
from fastapi.responses import StreamingResponse

# So that a proxy does not take a quiet line for a dead one.
SIGN_OF_LIFE_S = 15.0


def event_stream(
    request: Request, every_s: float, news: Callable[[], str | None], is_over: Callable[[], bool]
) -> StreamingResponse:
    """Sends what `news` gives, which is asked so often and gives JSON or None, until `is_over`."""
    return StreamingResponse(
        stream_events(request, every_s, news, is_over),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def stream_events(
    request: Request, every_s: float, news: Callable[[], str | None], is_over: Callable[[], bool]
) -> AsyncIterator[str]:
    """The lines of the stream."""
    silent_s = 0.0
    while not await request.is_disconnected():
        ends = is_over()
        message = news()
        silent_s += every_s
        if message is not None:
            yield f"data: {message}\n\n"
            silent_s = 0.0
        elif silent_s >= SIGN_OF_LIFE_S:
            yield ": still here\n\n"
            silent_s = 0.0
        if ends:
            return
        await asyncio.sleep(every_s)
