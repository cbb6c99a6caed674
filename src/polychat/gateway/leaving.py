"""How a gateway leaves: it takes no new connections, answers what comes on those it has, and cuts nobody off.

A client that keeps its connection cannot know that we end, and may send its next request at any moment. So
the connection stays open until it has been told so: the next answer says `connection: close`, and only a
client that asks nothing more for a while finds its idle connection closed.
"""

import asyncio
import contextlib
import logging
import socket

from polychat.gateway.http import Hub

log = logging.getLogger(__name__)

IDLE_GRACE_S = 2.0  # that an idle connection stays open once we leave
CANCEL_S = 2.5  # that requests which are cut off may take to say so
_LOOK_S = 0.05


def queued(sock: socket.socket) -> list[socket.socket]:
    """The connections that wait on a listening socket."""
    found = []
    with contextlib.suppress(OSError):  # BlockingIOError: that was the last
        while True:
            found.append(sock.accept()[0])
    return found


async def drain(hub: Hub, *, idle_grace_s: float, timeout_s: float, now: asyncio.Event) -> None:
    """Wait until every client has its answer, at most `timeout_s` or until `now`; then cut off the rest."""
    for connection in hub.connections:
        connection.is_leaving = True
    cut = asyncio.create_task(now.wait())
    done = asyncio.create_task(_until_done(hub, idle_grace_s))
    await asyncio.wait((cut, done), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (cut, done):
        task.cancel()
    if hub.tasks:
        log.error("cut off %d requests that were still running", len(hub.tasks))
        for running in tuple(hub.tasks):
            running.cancel()
        await asyncio.wait(tuple(hub.tasks), timeout=CANCEL_S)
    for connection in tuple(hub.connections):
        connection.abort()


async def _until_done(hub: Hub, idle_grace_s: float) -> None:
    loop = asyncio.get_running_loop()
    while hub.connections or hub.tasks:
        await asyncio.sleep(_LOOK_S)
        for connection in tuple(hub.connections):
            connection.close_if_idle_since(loop.time() - idle_grace_s)
