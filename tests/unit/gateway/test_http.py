"""Clients that send their requests as slowly as they can."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from polychat.gateway.http import Http


class Wire(asyncio.Transport):
    """What the server writes, and whether it has hung up."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.hung_up = asyncio.Event()

    def write(self, data: Any) -> None:  # Any: as asyncio's
        self.written += bytes(data)

    def close(self) -> None:
        self.hung_up.set()

    def is_closing(self) -> bool:
        return self.hung_up.is_set()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # Any: as asyncio's
        return default


async def app(scope: object, receive: object, send: Any) -> None:  # Any: ASGI
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def connected(*, head_timeout_s: float) -> tuple[Http, Wire]:
    config = uvicorn.Config(app, lifespan="off")
    config.load()
    protocol, wire = Http(config, ServerState(), {}), Wire()
    protocol.head_timeout_s = head_timeout_s
    protocol.connection_made(wire)
    return protocol, wire


async def test_headers_that_never_end_are_408_in_time() -> None:
    protocol, wire = await connected(head_timeout_s=0.05)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n")
    async with asyncio.timeout(5):
        await wire.hung_up.wait()
    assert wire.written.startswith(b"HTTP/1.1 408 ")
    assert b'"request_timeout"' in wire.written
    assert b'"request_id": "req_' in wire.written


async def test_a_head_that_came_in_time_is_answered() -> None:
    protocol, wire = await connected(head_timeout_s=0.05)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        await wire.hung_up.wait()
    assert wire.written.startswith(b"HTTP/1.1 200 ")
