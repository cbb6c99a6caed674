"""Runs the gateway until SIGTERM or Ctrl-C; a second signal ends it at once."""

import math
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from polychat.gateway import app
from polychat.gateway.http import Http
from polychat.gateway.state import Gateway, Settings

KEEP_ALIVE_S = (
    75  # longer than SDKs keep an idle connection, so that they close it and never meet a closed one
)


def serve(sock: socket.socket, settings: Settings) -> None:
    """Serve on a bound socket. Returns once running streams have ended, or been cut at the drain timeout."""
    gateway = Gateway.of(settings)
    config = uvicorn.Config(
        app.create(gateway),
        loop="uvloop",
        http=Http,
        ws="none",
        lifespan="on",
        log_config=None,  # its warnings go where ours go
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.drain_timeout_s),
    )
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # connections inherit it
    _Server(config, on_stop=gateway.background.note_stop).run(sockets=[sock])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            sig = signal.SIGINT  # uvicorn takes only this one for "now"
        self._on_stop()
        super().handle_exit(sig, frame)
