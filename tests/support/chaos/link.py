"""A TCP proxy on a fixed port that can be cut, stalled or slowed: a partition that needs no root.

What it cannot do is lose single packets: a stalled link still takes new connections, as a kernel does for a
stopped process, and lets nothing through.
"""

import asyncio
import contextlib
import socket
import struct
from enum import StrEnum

_LINGER_RESET = struct.pack("ii", 1, 0)  # closing sends a reset
_CHUNK_BYTES = 65_536


class Flow(StrEnum):
    OPEN = "open"
    CUT = "cut"
    STALLED = "stalled"
    DELAYED = "delayed"


class Link:
    """Carries connections from `port` to `target`, both on 127.0.0.1."""

    def __init__(self, port: int, target: int, *, delay_s: float = 0.2) -> None:
        self.port = port
        self._target = target
        self._delay_s = delay_s
        self._flow = Flow.OPEN
        self._flows = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def set(self, flow: Flow) -> None:
        """From now on it behaves like that."""
        self._flow = flow
        if flow is Flow.STALLED:
            self._flows.clear()
        else:
            self._flows.set()
        if flow is Flow.CUT:
            await self._close()
        elif self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def close(self) -> None:
        await self.set(Flow.CUT)
        await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            _reset(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        task.add_done_callback(self._pairs.discard)
        self._writers.add(writer)
        try:
            await self._flows.wait()
            await self._join(reader, writer)
        except OSError:
            _reset(writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(back)
        pumps = [
            asyncio.create_task(self._pump(reader, back)),
            asyncio.create_task(self._pump(there, writer)),
        ]
        try:  # neither gateways nor engines half-close: the first end is the end of both
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if any(pump.exception() for pump in done):
                _reset(writer)
                _reset(back)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers.discard(back)
            back.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK_BYTES):
            await self._flows.wait()
            if self._flow is Flow.DELAYED:
                await asyncio.sleep(self._delay_s)
            sink.write(data)
            await sink.drain()
        await self._flows.wait()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    writer.transport.abort()
