"""A client on bare sockets: one connection a request, and a note of every byte that came back and when."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.support.chaos.asks import Ask, Key, Manner
from tests.support.chaos.history import End, Trace

PATIENCE_S = 60.0
LEAVES_AFTER = 4  # pieces of the body
SLOW_READ_BYTES, SLOW_GAP_S = 8192, 0.02


@dataclass(frozen=True, slots=True)
class Door:
    """Where one gateway listens."""

    name: str
    port: int


class Client:
    """Asks, at the first gateway that takes the connection."""

    def __init__(
        self, keys: Mapping[Key, str], clock: Callable[[], float], *, patience_s: float = PATIENCE_S
    ) -> None:
        """`keys`: the secret of each."""
        self._keys = keys
        self._clock = clock
        self._patience_s = patience_s

    async def ask(self, ask: Ask, doors: Sequence[Door]) -> Trace:
        """What became of the request; the first of `doors` that lets it in gets it."""
        trace = Trace(ask, begun_s=self._clock())
        try:
            async with asyncio.timeout(self._patience_s):
                await self._ask(trace, doors)
        except TimeoutError:
            trace.end = End.LATE
        except (ConnectionError, asyncio.IncompleteReadError):
            trace.end = End.DROPPED
        trace.ended_s = self._clock()
        return trace

    async def _ask(self, trace: Trace, doors: Sequence[Door]) -> None:
        for door in doors:
            try:
                reader, writer = await _connected(door, is_slow=trace.ask.manner is Manner.SLOW)
            except ConnectionError:
                trace.refusals.append(door.name)
                continue
            trace.gateway = door.name
            try:
                writer.write(_request(trace.ask, self._keys[trace.ask.key]))
                trace.end = await self._read(trace, reader)
            finally:
                with contextlib.suppress(ConnectionError):
                    writer.close()
            return

    async def _read(self, trace: Trace, reader: asyncio.StreamReader) -> End:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        trace.status = int(head[0].split(" ")[1])
        trace.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        if trace.headers.get("transfer-encoding") != "chunked":
            body = await reader.readexactly(int(trace.headers["content-length"]))
            trace.parts.append((self._clock(), body))
            return End.WHOLE
        return await self._read_chunks(trace, reader)

    async def _read_chunks(self, trace: Trace, reader: asyncio.StreamReader) -> End:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await self._read_chunk(trace, reader, size)
            await reader.readexactly(2)
            if trace.ask.manner is Manner.LEAVES and len(trace.parts) >= LEAVES_AFTER:
                return End.LEFT
        await reader.readexactly(2)
        return End.WHOLE

    async def _read_chunk(self, trace: Trace, reader: asyncio.StreamReader, size: int) -> None:
        if trace.ask.manner is not Manner.SLOW:
            trace.parts.append((self._clock(), await reader.readexactly(size)))
            return
        while size:
            part = await reader.readexactly(min(size, SLOW_READ_BYTES))
            trace.parts.append((self._clock(), part))
            size -= len(part)
            await asyncio.sleep(SLOW_GAP_S)


async def _connected(door: Door, *, is_slow: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = socket.socket()
    try:
        if is_slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_READ_BYTES)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", door.port))
        return await asyncio.open_connection(sock=sock, limit=SLOW_READ_BYTES if is_slow else 2**16)
    except BaseException:
        sock.close()
        raise


def _request(ask: Ask, key: str) -> bytes:
    body = ask.body()
    head = (
        f"POST {ask.api} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
