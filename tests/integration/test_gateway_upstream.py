"""The gateway's HTTP client against servers that misbehave, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from polychat.gateway import wire
from polychat.gateway.upstream import Labels, Upstream
from polychat.gateway.wire import Response, UpstreamBroken, UpstreamSilent, UpstreamUnreachable
from polychat.routing.replica import ReplicaState
from tests.support.fake_engine import (
    Call,
    Die,
    FakeEngine,
    Script,
    answer,
    hang,
    head,
    replica_at,
    reset,
    stream,
)
from tests.support.processes import free_port


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(connect_timeout_s=2.0)
    yield upstream
    upstream.close()


async def post(upstream: Upstream, url: str, body: bytes = b"{}") -> Response:
    return await upstream.post(url, "/v1/chat/completions", body, Labels("s3cret", "req_1"))


async def read(upstream: Upstream, url: str) -> bytes:
    with await post(upstream, url) as response:
        return await response.read_all()


def raw(*pieces: bytes, then_die: bool = False) -> Script:
    """Send these bytes, each in a packet of its own."""

    async def script(call: Call) -> None:
        for piece in pieces:
            await call.send(piece)
            await asyncio.sleep(0)
        if then_die:
            raise Die

    return script


def every_byte_alone(data: bytes) -> Script:
    return raw(*(data[i : i + 1] for i in range(len(data))))


async def test_the_request_goes_out_with_the_replicas_secret_and_the_bytes_as_they_are(
    upstream: Upstream,
) -> None:
    async with FakeEngine(answer(b"{}")) as engine:
        with await post(upstream, engine.url + "/base", b'{"a": 1}') as response:
            await response.read_all()
    [received] = engine.received
    assert received.path == "/base/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer s3cret"
    assert received.body == b'{"a": 1}'


async def test_a_connection_is_used_again_and_the_last_one_put_back_comes_first(upstream: Upstream) -> None:
    async with FakeEngine(answer(b"{}")) as engine:
        for _ in range(3):
            assert await read(upstream, engine.url) == b"{}"
    assert engine.num_connections == 1


@pytest.mark.parametrize(
    ("name", "script", "expected"),
    [
        ("content-length, byte by byte", every_byte_alone(head(200, 5) + b"hello"), b"hello"),
        ("chunked, byte by byte", every_byte_alone(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
         b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\ntrailer: 1\r\n\r\n"), b"hello"),
        ("close-delimited", raw(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", then_die=True), b"hello"),
        ("HTTP/1.0", raw(b"HTTP/1.0 200 OK\r\n\r\nhello", then_die=True), b"hello"),
        ("100 and 103 before the answer", raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
         b"link: x\r\n\r\n" + head(200, 5), b"hello"), b"hello"),
        ("no body at all", raw(head(200, 0)), b""),
        ("204", raw(b"HTTP/1.1 204 No Content\r\n\r\n"), b""),
        ("a large head", raw(b"HTTP/1.1 200 X\r\nx:" + b"y" * 200000, b"\r\ncontent-length: 5\r\n\r\nhello"),
         b"hello"),
    ],
)  # fmt: skip
async def test_a_body_is_read_to_its_end(
    upstream: Upstream, name: str, script: Script, expected: bytes
) -> None:
    async with FakeEngine(script) as engine, asyncio.timeout(5):
        assert await read(upstream, engine.url) == expected


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("reset before the first byte", reset),
        ("dead within the head", raw(b"HTTP/1.1 200 O", then_die=True)),
        ("dead within the body", raw(head(200, 50) + b"hel", then_die=True)),
        ("dead within a chunk", stream(b"x" * 50, is_complete=False)),
        ("not HTTP", raw(b"SSH-2.0-OpenSSH_9.6\r\n")),
        ("a bad chunk size", raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")),
        ("an upgrade nobody asked for", raw(b"HTTP/1.1 101 Go\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")),
        ("a head without an end", raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * (wire.MAX_HEAD_BYTES + 1))),
    ],
)  # fmt: skip
async def test_an_answer_that_breaks_off_is_an_error_and_never_a_short_answer(
    upstream: Upstream, name: str, script: Script
) -> None:
    async with FakeEngine(script) as engine, asyncio.timeout(5):
        with pytest.raises(UpstreamBroken):
            await read(upstream, engine.url)
    assert upstream.num_open == 0


async def test_a_port_where_nobody_listens_is_unreachable(upstream: Upstream) -> None:
    with pytest.raises(UpstreamUnreachable):
        await post(upstream, f"http://127.0.0.1:{free_port()}")


async def test_a_pooled_connection_that_the_server_closed_is_replaced_unseen(upstream: Upstream) -> None:
    async def close_after_answer(call: Call) -> None:
        await answer(b"{}")(call)  # promises to keep the connection …
        await asyncio.sleep(0)
        raise Die  # … and does not

    async with FakeEngine(close_after_answer) as engine:
        for _ in range(5):
            assert await read(upstream, engine.url) == b"{}"
    assert len(engine.received) == 5


async def test_a_request_lost_on_a_pooled_connection_is_sent_once_more_and_then_given_up(
    upstream: Upstream,
) -> None:
    async def die_from_the_second_on(call: Call) -> None:
        if len(engine.received) == 1:
            return await answer(b"{}")(call)
        return await reset(call)

    async with FakeEngine(die_from_the_second_on) as engine:
        await read(upstream, engine.url)
        with pytest.raises(UpstreamBroken):
            await read(upstream, engine.url)
    assert len(engine.received) == 3


async def test_a_request_on_a_new_connection_is_never_sent_twice(upstream: Upstream) -> None:
    async with FakeEngine(reset) as engine:
        with pytest.raises(UpstreamBroken):
            await post(upstream, engine.url)
    assert len(engine.received) == 1


async def test_bytes_after_the_answer_spoil_the_connection_for_the_next_one(upstream: Upstream) -> None:
    async with FakeEngine(raw(head(200, 2) + b"{}" + head(200, 4) + b"evil")) as engine:
        assert await read(upstream, engine.url) == b"{}"
        assert await read(upstream, engine.url) == b"{}"
    assert engine.num_connections == 2


async def test_leaving_in_mid_answer_closes_the_connection(upstream: Upstream) -> None:
    async def endless(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await call.chunk(b"data: x\n\n")
            await asyncio.sleep(0)

    async with FakeEngine(endless) as engine:
        with await post(upstream, engine.url) as response:
            await response.read()
        await engine.wait_until(lambda: engine.num_hung_up == 1)
    assert upstream.num_open == 0


async def test_cancelling_a_request_that_waits_closes_its_connection(upstream: Upstream) -> None:
    async with FakeEngine(hang) as engine:
        task = asyncio.create_task(post(upstream, engine.url))
        await engine.wait_until(lambda: engine.received)
        task.cancel()
        await engine.wait_until(lambda: engine.num_hung_up == 1)
    assert upstream.num_open == 0


async def test_a_reader_that_is_slow_stops_the_engine_instead_of_filling_memory(upstream: Upstream) -> None:
    total = 64 * 1024 * 1024
    sent = 0

    async def flood(call: Call) -> None:
        nonlocal sent
        await call.send(head(200, total))
        while sent < total:
            await call.send(b"x" * 65536)
            sent += 65536

    async with FakeEngine(flood) as engine:
        with await post(upstream, engine.url) as response:
            settled = -1
            while settled != sent:  # until the engine can send no more
                settled = sent
                await asyncio.sleep(0.1)
            assert sent < total / 4
            got = len(await response.read())
            assert got <= wire.HIGH_WATER_BYTES * 3
            while data := await response.read():
                got += len(data)
    assert got == total


async def test_a_replica_that_left_the_registry_and_says_nothing_is_given_up(upstream: Upstream) -> None:
    async with FakeEngine(hang) as engine, asyncio.timeout(10):
        task = asyncio.create_task(post(upstream, engine.url))
        await engine.wait_until(lambda: engine.received)
        upstream.sweep([replica_at(engine.url)], now_s=asyncio.get_running_loop().time() + 60)
        assert not task.done()
        upstream.sweep([], now_s=asyncio.get_running_loop().time() + 60)
        with pytest.raises(UpstreamSilent):
            await task


async def test_a_replica_that_stays_silent_loses_the_connections_that_say_nothing(upstream: Upstream) -> None:
    async with FakeEngine(hang) as engine, asyncio.timeout(10):
        task = asyncio.create_task(post(upstream, engine.url))
        await engine.wait_until(lambda: engine.received)
        now_s = asyncio.get_running_loop().time()
        silent = replica_at(engine.url, state=ReplicaState.SILENT)
        upstream.sweep([replica_at(engine.url)], now_s=now_s + 60)
        upstream.sweep([silent], now_s=now_s + 69)
        assert not task.done()
        upstream.sweep([silent], now_s=now_s + 71)
        with pytest.raises(UpstreamSilent):
            await task


async def test_idle_connections_are_closed_after_a_while(upstream: Upstream) -> None:
    async with FakeEngine(answer(b"{}")) as engine:
        await read(upstream, engine.url)
        upstream.sweep([replica_at(engine.url)], now_s=asyncio.get_running_loop().time())
        assert upstream.num_open == 1
        upstream.sweep([replica_at(engine.url)], now_s=asyncio.get_running_loop().time() + 60)
        assert upstream.num_open == 0
