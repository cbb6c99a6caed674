import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from polychat.gateway.follow import ControllerLink
from polychat.routing import feed
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica

REPLICA = Replica(id="a", url="http://a", names=("m",), engine="fake", endpoints=frozenset())
SNAPSHOT = feed.Snapshot(controller="c", replicas=[REPLICA])


class Watch(httpx.AsyncByteStream):
    """A watch stream: these messages, then silence until it is closed."""

    def __init__(self, *messages: feed.ToGateway) -> None:
        self._messages = messages

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for message in self._messages:
            yield feed.encode(message) + b"\n"
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def following(
    answer: Callable[[httpx.Request], httpx.Response], *, token: str = ""
) -> AsyncIterator[tuple[ControllerLink, Registry, asyncio.Event]]:
    registry, changed = Registry(), asyncio.Event()
    transport = httpx.MockTransport(answer)
    link = ControllerLink(
        "http://c/", registry, token=token, on_change=lambda _: changed.set(), transport=transport
    )
    task = asyncio.create_task(link.run())
    async with asyncio.timeout(5):
        yield link, registry, changed
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_registry_follows_the_watch_stream_and_each_change_is_told() -> None:
    async with following(lambda _: httpx.Response(200, stream=Watch(SNAPSHOT))) as (link, registry, changed):
        await changed.wait()
        assert link.is_connected
        assert list(registry) == [REPLICA]


async def test_the_token_is_shown_to_the_controller() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, stream=Watch(SNAPSHOT))

    async with following(answer, token="t0ken") as (_, _, changed):
        await changed.wait()
    assert str(asked[0].url) == "http://c/watch"
    assert asked[0].headers["authorization"] == "Bearer t0ken"


async def test_a_connection_that_is_reset_at_once_does_not_end_the_gateway() -> None:
    answers = iter([AttributeError("'NoneType' object has no attribute 'getpeername'")])

    def answer(request: httpx.Request) -> httpx.Response:
        for error in answers:
            raise error
        return httpx.Response(200, stream=Watch(SNAPSHOT))

    async with following(answer) as (_, registry, changed):
        await changed.wait()
        assert list(registry) == [REPLICA]


async def test_after_a_lost_connection_it_connects_again(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter(
        [
            httpx.Response(401),
            httpx.Response(401),
            httpx.Response(200, content=b"not JSON\n"),
            httpx.Response(200, stream=Watch(SNAPSHOT)),
        ]
    )
    with caplog.at_level(logging.INFO, "polychat"):
        async with following(lambda _: next(answers)) as (_, registry, changed):
            await changed.wait()
            assert len(registry) == 1
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3, "the same trouble is told once"
    assert "wants its token" in told[0]
    assert "following the controller" in told[2]
