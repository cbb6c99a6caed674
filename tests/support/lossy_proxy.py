"""A way to a PostgreSQL server on which the answers to commits get lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_COMMIT = b"COMMIT;\0"  # as asyncpg says it, in a simple query


class LossyProxy:
    """Passes everything on, but cuts the connection where it is to lose a commit's answer."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self.port = 0
        self.num_to_lose = 0
        self.num_lost = 0
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._carry(reader, writer)
        finally:
            self._connections.discard(task)

    async def close(self) -> None:
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        except ConnectionRefusedError:
            writer.close()
            return
        committing = asyncio.Event()
        ways = [
            asyncio.create_task(self._to_server(reader, server_writer, committing)),
            asyncio.create_task(self._to_client(server_reader, writer, committing)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for each in (writer, server_writer):
                each.close()

    async def _to_server(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        while data := await reader.read(65_536):
            if _COMMIT in data and self.num_to_lose:
                committing.set()
            writer.write(data)

    async def _to_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        while data := await reader.read(65_536):
            if committing.is_set():
                self.num_to_lose -= 1
                self.num_lost += 1
                return
            writer.write(data)


@asynccontextmanager
async def lossy_proxy(server_port: int) -> AsyncIterator[LossyProxy]:
    """One that listens while the block runs."""
    proxy = LossyProxy(server_port)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        with contextlib.suppress(asyncio.CancelledError):
            await proxy.close()
