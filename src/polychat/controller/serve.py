"""Runs the controller until SIGTERM or Ctrl-C."""

import logging
import socket

import uvicorn

from polychat.controller import app
from polychat.controller.board import Board
from polychat.controller.claims import Rules
from polychat.notify import NOBODY, Notifier
from polychat.tls import Identity, server_context


def serve(
    sock: socket.socket,
    *,
    token: str = "",
    rules: Rules = app.ANYTHING,
    identity: Identity | None = None,
    notifier: Notifier = NOBODY,
) -> None:
    """Serve on a bound socket. Returns after a signal, once every held connection is closed."""
    board = Board()
    config = uvicorn.Config(
        app.create(board, token=token, rules=rules),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_ping_interval=None,  # load reports say more than pings
        ws_max_size=1 << 20,
        timeout_graceful_shutdown=1,
    )
    if identity is not None:
        config.load()
        config.ssl = server_context(identity)
    # A worker that is turned away with a status code is no fault of ours, but uvicorn logs it as one.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "completing handshake" not in record.getMessage()
    )
    _Server(config, board, notifier).run(sockets=[sock])


class _Server(uvicorn.Server):
    """Ends the watchers' streams before it waits for open connections: they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, board: Board, notifier: Notifier) -> None:
        super().__init__(config)
        self._board = board
        self._notifier = notifier

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        async with self._notifier.ready():
            await super().serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notifier.tell("STOPPING=1")
        self._board.close()
        await super().shutdown(sockets)
