"""Runs the gateway until SIGTERM or Ctrl-C; a second signal ends it at once."""

import math
import socket

import uvicorn

from polychat import listen
from polychat.gateway import app
from polychat.gateway.http import Http
from polychat.gateway.leaving import IDLE_GRACE_S, Server
from polychat.gateway.state import Gateway, Settings
from polychat.notify import NOBODY, Notifier
from polychat.tls import Identity, server_context

KEEP_ALIVE_S = (
    75  # longer than SDKs keep an idle connection, so that they close it and never meet a closed one
)


def serve(
    sock: socket.socket, settings: Settings, notifier: Notifier = NOBODY, *, identity: Identity | None = None
) -> None:
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
    if identity is not None:
        config.load()
        config.ssl = server_context(identity)
    listen.notice_loss(sock, within_s=settings.client_timeout_s)
    idle_grace_s = min(IDLE_GRACE_S, settings.drain_timeout_s / 2)
    server = Server(
        config, idle_grace_s=idle_grace_s, on_stop=gateway.background.note_stop, notifier=notifier
    )
    server.run(sockets=[sock])
