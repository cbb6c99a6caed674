"""Where a replica's answer goes: to the client as it is, or through a translation."""

from typing import Protocol

from polychat import sse
from polychat.compat.face import Face
from polychat.gateway.exchange import Exchange


class Sink(Protocol):
    """Takes one answer: `whole`, or `events` any number of times and then `end`."""

    @property
    def has_begun(self) -> bool:
        """Whether anything has been given away, so that no other replica may be tried."""

    async def whole(self, body: bytes, *, content_type: str) -> None: ...

    async def events(self, events: bytes) -> None:
        """Whole server-sent events of the published API. Waits while the client does not read."""

    async def end(self) -> None: ...


class ToClient:
    """The answer as it is."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def has_begun(self) -> bool:
        return self._exchange.has_begun

    async def whole(self, body: bytes, *, content_type: str) -> None:
        await self._exchange.answer(body, content_type=content_type)

    async def events(self, events: bytes) -> None:
        if not self._exchange.has_begun:
            await self._exchange.start_stream()
        await self._exchange.write(events)

    async def end(self) -> None:
        await self._exchange.end()


class MediaToClient(ToClient):
    """The answer as it is; audio and images as they come, without being held in memory."""

    async def begin(self, content_type: str) -> None:
        """What `events` is given from here on are pieces of a body of this type."""
        await self._exchange.start_media(content_type=content_type)


class Collected:
    """An answer that does not stream, kept for whoever asked for it inside the gateway."""

    def __init__(self) -> None:
        self.body = b""

    @property
    def has_begun(self) -> bool:
        return False

    async def whole(self, body: bytes, *, content_type: str) -> None:
        self.body = body

    async def events(self, events: bytes) -> None:
        raise AssertionError("only requests that do not stream are collected")

    async def end(self) -> None:
        raise AssertionError("only requests that do not stream are collected")


class Translated:
    """The answer as `face` shows it."""

    def __init__(self, exchange: Exchange, face: Face) -> None:
        self._exchange = exchange
        self._face = face

    @property
    def has_begun(self) -> bool:
        return self._exchange.has_begun

    async def whole(self, body: bytes, *, content_type: str) -> None:
        await self._exchange.json(self._face.whole(body))

    async def events(self, events: bytes) -> None:
        if said := shown(self._face, events):
            await self._write(said)

    async def end(self) -> None:
        await self._write(self._face.end())
        await self._exchange.end()

    async def _write(self, data: bytes) -> None:
        if not self._exchange.has_begun:
            await self._exchange.start_stream(content_type=self._face.stream_type)
        await self._exchange.write(data)


def shown(face: Face, events: bytes) -> bytes:
    """What `face` makes of whole events."""
    chunks = [sse.data_of(event) for event in events.replace(b"\r\n", b"\n").split(b"\n\n")]
    return b"".join([face.chunk(data) for data in chunks if data and data != b"[DONE]"])
