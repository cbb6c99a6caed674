"""Tells systemd that a service is ready and alive, by the protocol of sd_notify(3); nobody else is told."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notifier:
    """The socket that systemd listens on ("": none), and within how many seconds it wants to hear of us."""

    address: str = ""
    watchdog_s: float = 0.0  # 0: it does not

    @contextlib.asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """We are ready when the block begins, alive while it runs, and stopping when it ends."""
        self.tell("READY=1")
        alive = asyncio.create_task(self._stay_alive())
        try:
            yield
        finally:
            alive.cancel()
            self.tell("STOPPING=1")

    def tell(self, state: str) -> None:
        """Send one state. A systemd that does not listen is no reason to end."""
        if not self.address:
            return
        place = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)
                sock.sendto(state.encode(), place)
        except OSError as exc:
            log.warning("systemd was not told %s: %s", state, exc)

    async def _stay_alive(self) -> None:
        while self.watchdog_s:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)


NOBODY = Notifier()
