"""Runs the page until SIGTERM or Ctrl-C."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from polychat.tls import Identity, server_context


def serve(
    app: ASGIApp, sock: socket.socket, *, on_ready: Callable[[], None], identity: Identity | None = None
) -> None:
    """Serve on a bound socket; `on_ready` is called once the page can be opened."""
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=True,
        timeout_graceful_shutdown=1,
    )
    if identity is not None:
        config.load()
        config.ssl = server_context(identity)
    _Server(config, on_ready).run(sockets=[sock])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Every open page holds a stream that never ends by itself: hang up on it."""
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await super().shutdown(sockets)
