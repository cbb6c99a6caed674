"""Runs any program that a `Launch` describes, as a child process that serves OpenAI's API by itself."""

import asyncio
import logging
import sys

import httpx
import msgspec

from polychat import listen
from polychat.engines.base import EngineUnresponsive
from polychat.engines.child_server import ChildServer
from polychat.engines.launch import Command, Launch
from polychat.engines.process import Child
from polychat.engines.reasons import Reasons
from polychat.engines.spec import EngineSpec
from polychat.engines.timeline import Timeline
from polychat.errors import EngineStartError, SetupError
from polychat.types import Load
from polychat.wire import ModelList

log = logging.getLogger(__name__)

HEALTH_TIMEOUT_S = 5.0
POLL_S = 0.2
_MODULE = "polychat.engines.warden"


class Served:
    """The engine that `launch` describes, for the model of `spec`."""

    def __init__(self, launch: Launch, spec: EngineSpec) -> None:
        """Raises SetupError when it is not installed or cannot do what `spec` asks."""
        if not (launch.has_secret or listen.is_loopback(spec.host)):
            raise SetupError(
                f"{launch.name} asks nobody for a key, so it may not listen on {spec.host}: anybody could "
                "use it; leave out --host"
            )
        launch.command(spec, spec.ports().start)  # what it refuses, it refuses now
        offer = launch.offer(spec)
        self.name = launch.name
        self.endpoints = offer.endpoints
        self.features = offer.features
        self.context_length = offer.context_length
        self.upstream_model = launch.model_name
        self.adapters = tuple(adapter.name for adapter in spec.tuning.adapters)
        self._launch = launch
        self._spec = spec
        self._timeline: Timeline | None = None
        self._server = ChildServer(spec)
        self._load = Load(slots=spec.slots or 0)
        self._has_told = False  # its models, or that it does not tell them

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def progress(self) -> str:
        return str(self._timeline or "")

    async def start(self) -> str:
        return await self._server.start(self._try_start)

    async def wait_exit(self) -> str:
        return await self._server.wait_exit()

    async def load(self) -> Load:
        """Load now; the numbers of before while the engine is too busy to tell."""
        if not await self._is_ready():
            raise EngineUnresponsive(f"{self.name} does not answer")
        if self._launch.load_of is not None:
            try:
                self._load = self._launch.load_of(await self._read(self._launch.load_path), self._load)
            except httpx.HTTPError:
                return self._load
        if self._spec.tuning.allow_adapter_updates or not self._has_told:
            await self._ask_about_models()
        return self._load

    async def stop(self) -> None:
        await self._server.stop(grace_s=self._launch.stop_grace_s)

    async def _try_start(self, port: int) -> bool:
        """False when the port is taken and another may be tried."""
        self._timeline = Timeline(self._launch.phases)
        reasons = Reasons(self._launch.reasons)
        child = await self._spawn(port, self._timeline, reasons)
        died = asyncio.ensure_future(child.wait())
        try:
            while not died.done():
                if await self._is_ready():
                    self._timeline.end()
                    await self._ask_about_models()
                    return True
                await asyncio.wait({died}, timeout=POLL_S)
        finally:
            died.cancel()
        if self._launch.port_lost.search(child.tail) and self._server.may_move:
            return False
        reason = reasons.best or f"{self.name} {died.result()}"
        model = self._spec.model.id if self._spec.model else self._spec.name
        raise EngineStartError(f"{self.name} cannot serve {model}: {reason}", log_tail=child.tail)

    async def _spawn(self, port: int, timeline: Timeline, reasons: Reasons) -> Child:
        def feed(line: str) -> None:
            timeline.feed(line)
            reasons.feed(line)

        command = self._launch.command(self._spec, port)
        argv = (sys.executable, "-m", _MODULE, *command.argv)
        return await self._server.spawn(Command(argv, command.env), feed)

    async def _is_ready(self) -> bool:
        return await self._server.is_ok(self._launch.ready_path, timeout_s=HEALTH_TIMEOUT_S)

    async def _ask_about_models(self) -> None:
        """Its context length, and the adapters that clients have loaded meanwhile."""
        try:
            models = msgspec.json.decode(await self._read("/v1/models"), type=ModelList).data
        except (httpx.HTTPStatusError, msgspec.DecodeError) as exc:  # not every engine has that route
            log.debug("%s does not tell its models: %s", self.name, exc)
            self._has_told = True
            return
        except httpx.HTTPError as exc:
            log.debug("%s is too busy to tell its models: %s", self.name, exc)
            return
        self._has_told = True
        own = [model.id for model in models if not model.parent]
        if own and not self._launch.model_name:
            self.upstream_model = "" if self._spec.name in own else own[0]
        lengths = [model.max_model_len for model in models if model.max_model_len]
        self.context_length = min(lengths, default=self.context_length)
        if adapters := tuple(model.id for model in models if model.parent):
            self.adapters = adapters
        elif self._spec.tuning.allow_adapter_updates:
            self.adapters = ()

    async def _read(self, path: str) -> bytes:
        return await self._server.read(path, timeout_s=HEALTH_TIMEOUT_S)


def reason_in(log: str, launch: Launch) -> str:
    """Why the engine would not start, from its log; empty if it does not say."""
    reasons = Reasons(launch.reasons)
    for line in log.splitlines():
        reasons.feed(line)
    return reasons.best
