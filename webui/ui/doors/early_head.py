"""Into the page's HTML: what must be there before Gradio's scripts run.

Gradio's own `head` is put in by its scripts, after they are loaded and began to listen.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Send

# Texts within the page have no such letters: Gradio writes them as the escape of a JSON text.
HEAD_END, BODY_END = b"</head>", b"</body>"
# A script of Gradio's page keeps a name that every script shares; those of extensions that run behind it may
# have a function of that name.
SHARED_NAME = re.compile(rb"<script>(\s*const ce = [^<]*)</script>")


def with_early_html(send: Send, head: bytes, body: bytes = b"") -> Send:
    """Sends HTML with more at the ends of its head and body; other and compressed answers as they are."""
    start: list[Message] = []
    told = bytearray()

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start" and is_plain_html(Headers(scope=message)):
            # Its length is known when the whole page is.
            start.append(message)
        elif message["type"] == "http.response.body" and start:
            told.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = SHARED_NAME.sub(rb"<script>{\1}</script>", bytes(told), count=1)
            page = page.replace(HEAD_END, head + HEAD_END, 1).replace(BODY_END, body + BODY_END, 1)
            MutableHeaders(scope=start[0])["content-length"] = str(len(page))
            await send(start[0])
            await send({"type": "http.response.body", "body": page})
        else:
            await send(message)

    return add


def is_plain_html(headers: Headers) -> bool:
    """Whether an answer is a page that can be read."""
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
