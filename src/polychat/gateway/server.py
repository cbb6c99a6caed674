"""Runs one gateway's event loop: listens, keeps house among the connections, and leaves at a signal."""

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.utils import formatdate

import uvloop

from polychat import listen
from polychat.gateway import leaving
from polychat.gateway.http import Http, Hub
from polychat.notify import Notifier

KEEP_ALIVE_S = (
    75.0  # longer than SDKs keep an idle connection, so that they close it and never meet a closed one
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a gateway ends, and whom it tells."""

    idle_grace_s: float
    drain_timeout_s: float
    on_stop: Callable[[], None]
    notifier: Notifier


class Server:
    """One process's server. The first signal lets requests end, the second cuts them off."""

    def __init__(
        self,
        hub: Hub,
        life: Callable[[], AbstractAsyncContextManager[None]],
        terms: Terms,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`life`: what must run as long as the server does."""
        self._hub = hub
        self._life = life
        self._terms = terms
        self._context = context
        self._signals: list[int] = []
        self._leave = asyncio.Event()
        self._leave_now = asyncio.Event()

    def run(self, sock: socket.socket) -> None:
        """Serve on a listening socket until a signal comes; then end by it, as its sender expects."""
        uvloop.run(self._serve(sock))
        for number in reversed(self._signals):
            signal.raise_signal(number)

    async def _serve(self, sock: socket.socket) -> None:
        loop, notifier = asyncio.get_running_loop(), self._terms.notifier
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._hear, number)
        async with notifier.ready(), self._life():  # the kernel holds connections for us from now on
            self._renew_date()
            server = await loop.create_server(
                self._connection, sock=sock, ssl=self._context, backlog=listen.BACKLOG
            )
            async with _while_running(self._keep_house()):
                await self._leave.wait()
                notifier.tell("STOPPING=1")
                await self._stop_listening(server, sock)
                await leaving.drain(
                    self._hub,
                    idle_grace_s=self._terms.idle_grace_s,
                    timeout_s=self._terms.drain_timeout_s,
                    now=self._leave_now,
                )
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def _hear(self, number: int) -> None:
        self._signals.append(number)
        if self._leave.is_set():
            self._leave_now.set()
        self._leave.set()
        self._terms.on_stop()

    def _connection(self) -> Http:
        return Http(self._hub)

    async def _stop_listening(self, server: asyncio.Server, sock: socket.socket) -> None:
        """Close the listening socket, and keep every connection that the kernel has made for us by then."""
        ours = sock.dup()  # uvloop closes its own a little later: until then connections go on to be made
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)
        waiting = leaving.queued(ours)
        ours.close()
        loop = asyncio.get_running_loop()
        for each in waiting:
            with contextlib.suppress(OSError):  # its client has gone meanwhile
                await loop.connect_accepted_socket(self._connection, each, ssl=self._context)

    async def _keep_house(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            self._renew_date()
            for connection in tuple(self._hub.connections):
                connection.close_if_idle_since(loop.time() - KEEP_ALIVE_S)

    def _renew_date(self) -> None:
        self._hub.date = f"date: {formatdate(usegmt=True)}\r\n".encode()


@contextlib.asynccontextmanager
async def _while_running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
