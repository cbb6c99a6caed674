"""Where the chat answer behind a response goes: it is stored before the client sees its end."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import msgspec

from polychat import sse
from polychat.compat.responses.answer import Answer
from polychat.gateway.exchange import Exchange


class Outlet(Protocol):
    """Who gets to see the response."""

    async def whole(self, body: bytes) -> None: ...

    async def write(self, events: bytes) -> None: ...

    async def end(self) -> None: ...


class Kept:
    """Makes a response of a chat answer. It is stored before its last byte is given away."""

    def __init__(self, answer: Answer, outlet: Outlet, *, keep: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._outlet = outlet
        self._keep = keep
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        return self._has_begun

    async def whole(self, body: bytes, *, content_type: str) -> None:
        self._answer.whole(body)
        self._answer.close()
        self._has_begun = True
        await self._keep()
        await self._outlet.whole(msgspec.json.encode(self._answer.response))

    async def events(self, events: bytes) -> None:
        self._has_begun = True  # an error among the first events is not for another replica to repeat
        said = [self._answer.begin(), *(self._answer.chunk(data) for data in _chunks(events))]
        if any(said):
            await self._outlet.write(b"".join(said))

    async def end(self) -> None:
        closing = self._answer.close()
        await self._keep()
        await self._outlet.write(closing + self._answer.last())
        await self._outlet.end()


def _chunks(events: bytes) -> Iterator[bytes]:
    for event in events.replace(b"\r\n", b"\n").split(b"\n\n"):
        if (data := sse.data_of(event)) and data != b"[DONE]":
            yield data


class ToClient:
    """The client waits for it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def whole(self, body: bytes) -> None:
        await self._exchange.json(body)

    async def write(self, events: bytes) -> None:
        if not self._exchange.has_begun:
            await self._exchange.start_stream()
        await self._exchange.write(events)

    async def end(self) -> None:
        await self._exchange.end()


class Watched:
    """The client may look on, and leave without ending it."""

    def __init__(self, *, is_watched: bool) -> None:
        self._is_watched = is_watched
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()  # at most one answer

    async def whole(self, body: bytes) -> None:
        """There is nothing to see: it does not stream."""

    async def write(self, events: bytes) -> None:
        if self._is_watched:
            self._queue.put_nowait(events)

    async def end(self) -> None:
        await self.write(b"")

    async def show(self, exchange: Exchange) -> None:
        """Send the events until there are no more.

        Raises:
            ClientLeft: the client did.
        """
        try:
            await exchange.start_stream()
            async with exchange.leaving_cancels():
                while events := await self._queue.get():
                    await exchange.write(events)
            await exchange.end()
        finally:
            self._is_watched = False
