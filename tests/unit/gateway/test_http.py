"""One connection of the gateway: what a client may do on it, and what it may not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from polychat.errors import RequestError
from polychat.gateway.exchange import UNASKED_BYTES, ClientLeft, Exchange
from polychat.gateway.http import Http, Hub
from tests.support.polling import eventually

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
Serve = Callable[[Exchange], Awaitable[None]]


class Wire(asyncio.Transport):
    """What the server writes, whether it reads, and whether it has hung up."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reads = True
        self.hung_up = asyncio.Event()

    def write(self, data: Any) -> None:  # Any: as asyncio's
        self.written += bytes(data)

    def close(self) -> None:
        self.hung_up.set()

    def is_closing(self) -> bool:
        return self.hung_up.is_set()

    def pause_reading(self) -> None:
        assert self.reads, "uvloop refuses a second time"
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.reads, "uvloop refuses a second time"
        self.reads = True

    async def until(self, end: bytes) -> bytes:
        """What was written, once it ends so."""

        async def is_there() -> bool:
            return self.written.endswith(end)

        await eventually(is_there)
        return self.written


async def path(exchange: Exchange) -> None:
    """Answers with what was asked for."""
    body = await exchange.body(limit_bytes=1000)
    await exchange.answer(f"{exchange.path} {body.decode()}".encode(), content_type="text/plain")


def connected(serve: Serve = path, *, head_timeout_s: float = 30.0) -> tuple[Http, Wire]:
    protocol, wire = Http(Hub(serve)), Wire()
    protocol.head_timeout_s = head_timeout_s
    protocol.connection_made(wire)
    return protocol, wire


async def test_headers_that_never_end_are_408_in_time() -> None:
    protocol, wire = connected(head_timeout_s=0.05)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n")
    async with asyncio.timeout(5):
        await wire.hung_up.wait()
    assert wire.written.startswith(b"HTTP/1.1 408 ")
    assert b'"request_timeout"' in wire.written
    assert b'"request_id": "req_' in wire.written


async def test_a_head_that_came_in_time_is_answered() -> None:
    protocol, wire = connected(head_timeout_s=0.05)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        await wire.hung_up.wait()
    assert wire.written.startswith(b"HTTP/1.1 200 ")


async def test_a_request_in_single_bytes_is_the_same_request() -> None:
    protocol, wire = connected()
    for byte in b"POST /b?c HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello":
        protocol.data_received(bytes([byte]))
    assert (await wire.until(b"/b hello")).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_pipelined_requests_wait_for_their_turn_and_stop_the_reading() -> None:
    protocol, wire = connected()
    protocol.data_received(GET + GET.replace(b"/a", b"/b") + GET.replace(b"/a", b"/c"))
    assert not wire.reads
    written = await wire.until(b"/c ")
    assert written.index(b"/a ") < written.index(b"/b ") < written.index(b"/c ")
    assert wire.reads


async def test_a_pipelined_request_whose_body_comes_later_is_answered() -> None:
    protocol, wire = connected()
    protocol.data_received(GET + b"POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n")
    await wire.until(b"/a ")
    assert wire.reads
    protocol.data_received(b"hi")
    await wire.until(b"/b hi")


async def test_what_is_no_http_behind_a_request_is_refused_after_its_answer() -> None:
    protocol, wire = connected()
    protocol.data_received(GET + b"\x16\x03\x01")
    async with asyncio.timeout(5):
        await wire.hung_up.wait()
    assert wire.written.index(b"HTTP/1.1 200") < wire.written.index(b"HTTP/1.1 400")


@pytest.mark.parametrize("hosts", [b"", b"host: x\r\nhost: y\r\n"])
async def test_a_request_needs_exactly_one_host(hosts: bytes) -> None:
    protocol, wire = connected()
    protocol.data_received(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
    assert wire.written.startswith(b"HTTP/1.1 400 ")
    assert wire.hung_up.is_set()


async def test_http_1_0_needs_no_host_and_ends_with_its_connection() -> None:
    async def stream(exchange: Exchange) -> None:
        await exchange.start_stream()
        await exchange.write(b"data: 1\n\n")
        await exchange.end()

    protocol, wire = connected(stream)
    protocol.data_received(b"GET / HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding" not in await wire.until(b"\r\n\r\ndata: 1\n\n")
    assert wire.hung_up.is_set()


async def test_a_streams_head_and_its_first_event_are_one_write() -> None:
    begun = asyncio.Event()

    async def stream(exchange: Exchange) -> None:
        await exchange.start_stream()
        assert not wire.written
        await exchange.write(b"data: 1\n\n")
        begun.set()
        await exchange.end()

    protocol, wire = connected(stream)
    protocol.data_received(GET)
    assert b"transfer-encoding: chunked" in await wire.until(b"\r\n\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n")
    assert begun.is_set()


async def test_a_wish_for_another_protocol_is_left_aside() -> None:
    protocol, wire = connected()
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\n"
    protocol.data_received(
        b"POST /b HTTP/1.1\r\nhost: x\r\n" + upgrade + b"content-length: 2\r\n\r\nhi" + GET
    )
    written = await wire.until(b"/a ")
    assert b"/b hi" in written


async def test_an_answer_that_comes_before_its_body_is_not_lost_with_it() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(b"no", content_type="text/plain", status=413)

    protocol, wire = connected(refuse)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\n123")
    await wire.until(b"no")
    assert not wire.hung_up.is_set()
    protocol.data_received(b"456789")
    assert wire.hung_up.is_set()


async def test_a_client_that_was_told_no_before_it_sent_its_body_may_not_send_it() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(b"no", content_type="text/plain", status=413)

    protocol, wire = connected(refuse)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
    assert b"connection: close" in await wire.until(b"no")
    assert wire.hung_up.is_set()


async def test_chunks_that_are_none_are_the_fault_of_their_request() -> None:
    seen: list[str] = []

    async def read(exchange: Exchange) -> None:
        try:
            await exchange.body(limit_bytes=1000)
        except RequestError as exc:
            seen.append(str(exc))
            await exchange.answer(b"bad", content_type="text/plain", status=400)

    protocol, wire = connected(read)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
    assert b"connection: close" in await wire.until(b"bad")
    assert seen == ["This is not valid HTTP."]
    assert wire.hung_up.is_set()


async def test_a_client_that_leaves_cancels_its_request() -> None:
    seen: list[type[BaseException]] = []
    is_waiting = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        try:
            async with exchange.leaving_cancels():
                is_waiting.set()
                await asyncio.Event().wait()
        except ClientLeft:
            seen.append(ClientLeft)

    protocol, wire = connected(wait)
    protocol.data_received(GET)
    await is_waiting.wait()
    protocol.connection_lost(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == [ClientLeft]
    assert not wire.written


async def test_a_client_that_does_not_read_holds_up_its_stream_and_nobody_elses() -> None:
    written: list[int] = []

    async def stream(exchange: Exchange) -> None:
        await exchange.start_stream()
        for number in range(3):
            await exchange.write(b"data: %d\n\n" % number)
            written.append(number)
        await exchange.end()

    protocol, wire = connected(stream)
    protocol.pause_writing()
    protocol.data_received(GET)
    for _ in range(5):
        await asyncio.sleep(0)
    assert written == []
    protocol.resume_writing()
    await wire.until(b"0\r\n\r\n")
    assert written == [0, 1, 2]


async def test_half_an_audio_ends_with_its_connection() -> None:
    async def audio(exchange: Exchange) -> None:
        await exchange.start_media(content_type="audio/wav")
        await exchange.write(b"RIFF")

    protocol, wire = connected(audio)
    protocol.data_received(GET)
    await wire.until(b"4\r\nRIFF\r\n")
    async with asyncio.timeout(5):
        await wire.hung_up.wait()
    assert not wire.written.endswith(b"0\r\n\r\n")


async def test_a_gateway_that_leaves_says_so_and_closes_what_is_idle() -> None:
    protocol, wire = connected()
    protocol.shutdown()
    protocol.data_received(GET)
    assert b"connection: close" in await wire.until(b"/a ")
    assert wire.hung_up.is_set()


async def test_what_comes_after_the_last_request_is_not_heard() -> None:
    protocol, wire = connected()
    protocol.data_received(b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + GET)
    written = await wire.until(b"/a ")
    assert written.count(b"HTTP/1.1") == 1


async def test_a_body_that_nobody_reads_does_not_fill_the_memory() -> None:
    held: list[Exchange] = []

    async def wait(exchange: Exchange) -> None:
        held.append(exchange)
        await asyncio.Event().wait()

    protocol, _ = connected(wait)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    await asyncio.sleep(0)
    for _ in range(40):
        protocol.data_received(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
    assert sum(map(len, held[0]._body)) <= UNASKED_BYTES
    protocol.connection_lost(None)
    assert held[0].task is not None
    held[0].task.cancel()
