"""One GET without a client library."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from polychat.placement import probe


@asynccontextmanager
async def server(answer: bytes, heard: list[bytes] | None = None) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(head)
        writer.write(answer)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/health"


async def test_a_body_is_returned_whole() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * 100_000) as url:
        assert await probe.get(url) == b"x" * 100_000


async def test_the_key_is_shown() -> None:
    heard: list[bytes] = []
    async with server(b"HTTP/1.1 200 OK\r\n\r\n", heard) as url:
        await probe.get(url, bearer="k1")
    assert b"\r\nAuthorization: Bearer k1\r\n" in heard[0]


async def test_another_status_is_no_answer() -> None:
    async with server(b"HTTP/1.1 503 Service Unavailable\r\n\r\nno") as url:
        assert await probe.get(url) is None


async def test_a_server_that_hangs_up_is_no_answer() -> None:
    async with server(b"") as url:
        assert await probe.get(url) is None


async def test_a_server_that_is_not_there_is_no_answer() -> None:
    async with server(b"") as url:
        pass
    assert await probe.get(url) is None


async def test_a_silent_server_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert await probe.get(url, timeout_s=0.05) is None
