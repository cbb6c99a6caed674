"""How a gateway leaves: it takes no new connections, answers what comes on those it has, and cuts nobody off.

A client that keeps its connection cannot know that we end, and may send its next request at any moment. So
the connection stays open until it has been told so: the next answer says `connection: close`, and only a
client that asks nothing more for a while finds its idle connection closed.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from types import FrameType

import uvicorn

from polychat.gateway.http import Http
from polychat.notify import Notifier

log = logging.getLogger(__name__)

IDLE_GRACE_S = 2.0  # that an idle connection stays open once we leave
_LOOK_S = 0.05


class Server(uvicorn.Server):
    """uvicorn's, which would close idle connections at once and reset those that nobody has accepted yet."""

    def __init__(
        self, config: uvicorn.Config, *, idle_grace_s: float, on_stop: Callable[[], None], notifier: Notifier
    ) -> None:
        super().__init__(config)
        self._notifier = notifier
        self._idle_grace_s = idle_grace_s
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            sig = signal.SIGINT  # uvicorn takes only this one for "now"
        self._on_stop()
        super().handle_exit(sig, frame)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        async with self._notifier.ready():  # the kernel holds connections for us from now on
            await super().serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notifier.tell("STOPPING=1")  # uvicorn ends the process by the signal that it got
        await self._stop_listening(sockets or [])
        for connection in self._connections():
            connection.is_leaving = True
        async with _while_running(self._close_idle()):
            await super().shutdown(sockets)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Close the listening sockets, and keep every connection that the kernel has made for us by then."""
        queued = [connection for sock in sockets for connection in _queued(sock)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for sock in queued:
            with contextlib.suppress(OSError):  # its client has gone meanwhile
                await loop.connect_accepted_socket(self._connection, sock, ssl=self.config.ssl)

    def _connection(self) -> Http:
        return Http(self.config, self.server_state, self.lifespan.state)

    def _connections(self) -> list[Http]:
        return [each for each in self.server_state.connections if isinstance(each, Http)]

    async def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_S)
            for connection in self._connections():
                connection.close_if_idle_since(loop.time() - self._idle_grace_s)


def _queued(sock: socket.socket) -> list[socket.socket]:
    """The connections that wait on a listening socket."""
    found = []
    with contextlib.suppress(OSError):  # BlockingIOError: that was the last
        while True:
            found.append(sock.accept()[0])
    return found


@contextlib.asynccontextmanager
async def _while_running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
