"""An engine whose every byte is scripted: a real HTTP server, to misbehave as real engines do.

async with FakeEngine(answer(b'{"ok":true}')) as engine:   # the same for each request
    ... engine.url, engine.received, await engine.wait_until(lambda: engine.num_hung_up)
"""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import websockets

from polychat.routing import feed
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint


@dataclass(frozen=True)
class Received:
    """One request as the engine got it."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }


class Call:
    """One request being answered."""

    def __init__(
        self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.received = received
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; b"" is its end."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def until_hung_up(self) -> None:
        """Wait until the gateway closes the connection."""
        while await self._reader.read(4096):
            pass

    def reset(self) -> None:
        """Die as a killed process with unread input does."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script = Callable[[Call], Awaitable[None]]
"""Answers one request. Returning leaves the connection open for the next one; raising Die closes it."""


class Die(Exception):
    """Close the connection here."""


class FakeEngine:
    """Plays `script` for each request; count calls in it to behave differently later."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self._tls = tls
        self.received: list[Received] = []
        self.num_connections = 0
        self.num_open = 0
        self.num_hung_up = 0  # connections that the gateway closed while their request was being answered
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._writers: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self.wait_until(lambda: not self._writers)

    async def wait_until(self, condition: Callable[[], object], *, timeout_s: float = 5.0) -> None:
        """Until `condition` is true; it is looked at after each thing that happens here."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                await self._changed.wait()

    def stop_listening(self) -> None:
        """Refuse new connections from now on."""
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._note(num_connections=1, num_open=1)
        try:
            while received := await _read_request(reader):
                self.received.append(received)
                self._note()
                await self._answer(Call(received, reader, writer))
        except (Die, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
            self._note(num_open=-1)

    async def _answer(self, call: Call) -> None:
        """Run the script, and notice when the gateway hangs up meanwhile."""
        try:
            await self.script(call)
        except ConnectionError:
            self._note(num_hung_up=1)
            raise

    def _note(self, **changes: int) -> None:
        for name, change in changes.items():
            setattr(self, name, getattr(self, name) + change)
        self._changed.set()
        self._changed = asyncio.Event()


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    received = Received(head, b"")
    return Received(head, await reader.readexactly(int(received.headers.get("content-length", "0"))))


SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def head(status: int, size_bytes: int, content_type: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {size_bytes}\r\n\r\n"
    ).encode()


def answer(body: bytes, *, status: int = 200, content_type: str = "application/json") -> Script:
    """One whole answer, and the connection stays open."""

    async def script(call: Call) -> None:
        await call.send(head(status, len(body), content_type) + body)

    return script


def event(text: str, *, finish_reason: str | None = None, id_: str = "chatcmpl-fake") -> bytes:
    """One chat event with `text` as its delta."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    chunk = {
        "id": id_,
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def stream(*pieces: bytes, is_complete: bool = True) -> Script:
    """A chunked event stream of `pieces`; one that is not complete dies after them."""

    async def script(call: Call) -> None:
        await call.send(SSE_HEAD)
        for piece in pieces:
            await call.chunk(piece)
        if not is_complete:
            raise Die
        await call.chunk(b"data: [DONE]\n\n")
        await call.chunk(b"")

    return script


async def reset(call: Call) -> None:
    """Die before the first byte."""
    call.reset()
    raise Die


async def hang(call: Call) -> None:
    """Take the request, say nothing, and wait until the gateway hangs up."""
    await call.until_hung_up()
    raise ConnectionResetError


def replica_at(url: str, **facts: object) -> Replica:
    """A ready replica of engine "fake", for which the gateway knows no dialect."""
    defaults: dict[str, object] = {
        "id": url,
        "engine": "fake",
        "names": ("fake",),
        "endpoints": frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}),
        "state": ReplicaState.READY,
        "secret": "s3cret",
        "context_length": 2048,
    }
    return Replica(url=url, **(defaults | facts))  # type: ignore[arg-type]  # the caller's facts are checked at run time


@asynccontextmanager
async def announced(
    controller_url: str, *replicas: Replica
) -> AsyncIterator[Callable[[Replica], Awaitable[None]]]:
    """Speak to the controller as the workers of `replicas` do; yields what announces a change of one."""
    async with AsyncExitStack() as stack:
        sockets = {}
        for replica in replicas:
            address = controller_url.replace("http", "ws", 1) + "/workers"
            sockets[replica.id] = await stack.enter_async_context(
                websockets.connect(address, proxy=None, max_queue=None)  # beats that nobody reads
            )
            await sockets[replica.id].send(feed.encode(feed.Announce(replica)).decode())
            await sockets[replica.id].recv()

        async def beat() -> None:
            while True:
                await asyncio.sleep(feed.BEAT_S)
                for replica in replicas:
                    await sockets[replica.id].send(
                        feed.encode(feed.ReportLoad(replica.id, replica.load)).decode()
                    )

        async def change(replica: Replica) -> None:
            await sockets[replica.id].send(feed.encode(feed.Announce(replica)).decode())

        beating = asyncio.create_task(beat())
        try:
            yield change
        finally:
            beating.cancel()
