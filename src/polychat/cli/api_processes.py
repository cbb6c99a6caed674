"""Serving the API from several processes: what is done once, and what each of them does."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

import typer

from polychat.gateway import serve as gateway
from polychat.gateway.processes import Parent, StartFailed
from polychat.gateway.siblings import Siblings, ToParent
from polychat.gateway.state import Settings
from polychat.notify import Notifier
from polychat.telemetry.traces import Tracer
from polychat.tls import Identity


@dataclass(frozen=True, slots=True)
class Around:
    """What the processes work with beside their settings."""

    notifier: Notifier
    make_tracer: Callable[[], Tracer]  # in each process: it has a thread
    identity: Identity | None
    on_ready: Callable[[], None]


def serve(num: int, bind: Callable[[], socket.socket], settings: Settings, around: Around) -> None:
    """Until a signal has come and all have ended. In each child, too, this returns once it is drained.

    Raises:
        SetupError: something cannot be used.
    """
    around.make_tracer().close()  # what is missing for it is one line, not one a process
    try:
        sock = Parent(num, notifier=around.notifier, on_ready=around.on_ready).run()
    except StartFailed as exc:
        raise typer.Exit(1) from exc
    if sock is None:
        return
    siblings = Siblings(sock)
    own = replace(settings, tracer=around.make_tracer(), siblings=siblings)
    to_parent = ToParent(watchdog_s=around.notifier.watchdog_s, siblings=siblings)
    gateway.serve(bind(), own, to_parent, identity=around.identity)
