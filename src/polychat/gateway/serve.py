"""Runs the gateway until SIGTERM or Ctrl-C; a second signal ends it at once."""

import socket

from polychat import listen
from polychat.gateway import app
from polychat.gateway.http import Hub
from polychat.gateway.leaving import IDLE_GRACE_S
from polychat.gateway.server import Server, Terms
from polychat.gateway.state import Gateway, Settings
from polychat.notify import NOBODY, Notifier
from polychat.tls import Identity, server_context


def serve(
    sock: socket.socket, settings: Settings, notifier: Notifier = NOBODY, *, identity: Identity | None = None
) -> None:
    """Serve on a bound socket. Returns once running streams have ended, or been cut at the drain timeout."""
    gateway = Gateway.of(settings)
    listen.notice_loss(sock, within_s=settings.client_timeout_s)
    terms = Terms(
        idle_grace_s=min(IDLE_GRACE_S, settings.drain_timeout_s / 2),
        drain_timeout_s=settings.drain_timeout_s,
        on_stop=gateway.background.note_stop,
        notifier=notifier,
    )
    context = None if identity is None else server_context(identity)
    server = Server(Hub(app.serving(gateway)), lambda: app.running(gateway), terms, context=context)
    server.run(sock)
