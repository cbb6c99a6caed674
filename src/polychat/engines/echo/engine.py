"""The engine `echo`: deterministic, without weights, as fast or slow as told. For tests, demos and load.

It runs in the worker's process. To read it: `app` (routes), `said` (what it answers), `answers` (cut to the
limits), `faces` and `wire` (the published forms), `pooling` (what is no text), `pace` (when).
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from polychat import listen
from polychat.engines.echo.answers import Reader
from polychat.engines.echo.app import ENDPOINTS, EchoApp
from polychat.engines.echo.pace import Pace
from polychat.engines.echo.tokens import Vocabulary
from polychat.engines.spec import EngineSpec, base_url
from polychat.errors import EngineStartError, SetupError
from polychat.types import Feature, Load

DEFAULT_SLOTS = 256
FEATURES = frozenset(Feature) - {Feature.AUDIO_INPUT, Feature.SUFFIX}


class Echo:
    """The engine `echo`."""

    name = "echo"

    def __init__(self, spec: EngineSpec) -> None:
        spec.tuning.require_only(self.name, ())
        self.endpoints = ENDPOINTS
        self.features: frozenset[Feature] | None = FEATURES
        self.context_length = spec.context_length
        self.url = ""
        self.adapters: tuple[str, ...] = ()
        self.progress = ""
        self._spec = spec
        self._pace = Pace(spec.echo, slots=spec.slots or DEFAULT_SLOTS)
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        sock = _bind(self._spec)
        reader = Reader(Vocabulary(), self.context_length)
        app = EchoApp(reader, self._pace, name=self._spec.name or "echo", secret=self._spec.secret)
        self._server = _Server(
            uvicorn.Config(
                app, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=1
            )
        )
        self._serving = asyncio.create_task(self._server.serve(sockets=[sock]), name="echo")
        while not self._server.started:
            if self._serving.done():
                raise EngineStartError("the echo engine did not start")
            await asyncio.sleep(0.005)
        self.url = base_url(self._spec.host, sock.getsockname()[1])
        return self.url

    async def wait_exit(self) -> str:
        assert self._serving is not None, "called after start"
        await asyncio.wait([self._serving])
        return "ended by itself"

    async def load(self) -> Load:
        return self._pace.load

    async def stop(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await asyncio.wait([self._serving])


class _Server(uvicorn.Server):
    """Leaves signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(spec: EngineSpec) -> socket.socket:
    """The port asked for, else the next free one."""
    for port in spec.ports():
        try:
            return listen.bind(spec.host, port)
        except SetupError:
            if spec.port is not None:
                raise
    raise SetupError(f"no port from {spec.ports().start} on is free on {spec.host}; name one with --port")
