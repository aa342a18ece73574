"""The roof: what the server listens at."""

import asyncio
import socket

import pytest

from webui.core.errors import Busy
from webui.core.flags import Flags
from webui.main import listen


def test_answers_in_parts_are_sent_without_waiting():
    async def delay_is_off(listening: socket.socket) -> bool:
        found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            writer.close()

        async with await asyncio.start_server(connected, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            answer = await asyncio.wait_for(found, 10)
            writer.close()
            return answer

    with listen(Flags()) as listening:
        assert asyncio.run(delay_is_off(listening))


def test_a_port_that_is_taken_is_told_with_what_to_do():
    with listen(Flags()) as taken, pytest.raises(Busy, match="Choose another port with --port"):
        listen(Flags(port=taken.getsockname()[1]))
