"""The worker's line to a controller, which here is a bare WebSocket that keeps what it hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve

from polychat.routing import feed
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint, Load
from polychat.worker.link import Link

A = Replica("a", "http://a:1", ("m",), "echo", frozenset({Endpoint.CHAT}), ReplicaState.READY)
B = replace(A, id="b", names=("n",))


class Ear:
    """What the controller has been told, in order."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[feed.FromWorker] = asyncio.Queue()

    async def listen(self, websocket: ServerConnection) -> None:
        await websocket.send(feed.encode(feed.Welcome("c")).decode())
        async for text in websocket:
            self.heard.put_nowait(feed.decode_from_worker(text))

    async def next(self) -> feed.FromWorker:
        async with asyncio.timeout(5):
            return await self.heard.get()


@pytest.fixture
async def ear() -> Ear:
    return Ear()


@pytest.fixture
async def link(ear: Ear) -> AsyncIterator[Link]:
    async with following(ear) as link:
        yield link


@asynccontextmanager
async def following(ear: Ear, *, deaf_after_s: float = 60.0) -> AsyncIterator[Link]:
    async with serve(ear.listen, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        link = Link(f"http://127.0.0.1:{port}", deaf_after_s=deaf_after_s)
        running = asyncio.create_task(link.run())
        yield link
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_each_replica_is_announced_with_its_latest_load(link: Link, ear: Ear) -> None:
    link.announce(A)
    link.announce(B)
    link.report("b", Load(running=1))
    told = [await ear.next(), await ear.next()]
    assert told == [feed.Announce(A), feed.Announce(replace(B, load=Load(running=1)))]


async def test_one_of_several_goes_and_the_other_stays(link: Link, ear: Ear) -> None:
    link.announce(A)
    link.announce(B)
    await link.until_told(timeout_s=5)
    link.withdraw("a")
    link.report("a", Load(running=1))
    link.report("b", Load(running=2))
    told = [await ear.next() for _ in range(4)]
    assert told[2:] == [feed.Withdraw("a"), feed.ReportLoad("b", Load(running=2))]


async def test_a_beat_is_said_when_there_is_no_news(link: Link, ear: Ear) -> None:
    link.announce(A)
    assert await ear.next() == feed.Announce(A)
    assert await ear.next() == feed.Beat()


async def test_what_was_never_announced_is_not_withdrawn(link: Link, ear: Ear) -> None:
    link.withdraw("a")
    link.announce(B)
    assert await ear.next() == feed.Announce(B)


async def test_a_controller_that_says_nothing_is_connected_to_anew(ear: Ear) -> None:
    async with following(ear, deaf_after_s=0.3) as link:
        link.announce(A)
        told = [await ear.next() for _ in range(5)]
    assert told.count(feed.Announce(A)) == 2
