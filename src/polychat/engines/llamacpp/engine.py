"""llama.cpp's own server in a child process: GGUF models on CPUs, Apple's GPUs, and CUDA."""

import asyncio
import logging
import re
import sys
from dataclasses import replace

import httpx

from polychat.engines.base import EngineUnresponsive
from polychat.engines.child_server import ChildServer
from polychat.engines.launch import Command
from polychat.engines.llamacpp import infill, offer, program, settings
from polychat.engines.llamacpp.load import load_of
from polychat.engines.llamacpp.opening import opened
from polychat.engines.process import Child
from polychat.engines.spec import EngineSpec, ModelFiles
from polychat.engines.timeline import Timeline
from polychat.errors import EngineStartError
from polychat.types import Endpoint, Feature, Load

log = logging.getLogger(__name__)

HEALTH_TIMEOUT_S = 2.0
METRICS_TIMEOUT_S = 0.3  # they wait for the batch that runs; the values of before are good enough
POLL_S = 0.1
_PORT_LOST = "couldn't bind HTTP server socket"
_REASON = re.compile(r"error loading model: (?:llama_model_loader: )?(.+)$")
_SAID = re.compile(rf"^(?:{settings.FAILED}|(?:.*: )?error:) (.+)$")  # before anything is logged
_ERROR = re.compile(r"^[\d.]+ E (?:\S+ +\S*: )?(.+)$")


class LlamaCpp:
    """The engine `llamacpp`."""

    name = "llamacpp"

    def __init__(self, spec: EngineSpec, model: ModelFiles) -> None:
        """Raises SetupError when the file is none that llama.cpp can read, or the machine is too small."""
        ready = opened(spec, model)
        self._model = model
        self._settings = ready.settings
        self._plan = ready.plan
        self._program = program.found(spec.tuning.program)
        self.endpoints = ready.endpoints
        self.features: frozenset[Feature] | None = ready.features
        self.context_length: int | None = ready.plan.context_length
        self.adapters = tuple(adapter.name for adapter in spec.tuning.adapters)
        self._timeline: Timeline | None = None
        self._server = ChildServer(spec)
        self._load = Load(slots=self._plan.slots)

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
        """Load now; the numbers of before while a long batch keeps llama.cpp from counting."""
        try:
            await self._server.read("/health", timeout_s=HEALTH_TIMEOUT_S)
        except httpx.HTTPError as exc:
            raise EngineUnresponsive(f"llama.cpp does not answer: {exc or type(exc).__name__}") from exc
        try:
            metrics, slots = await asyncio.gather(self._read("/metrics"), self._read("/slots"))
        except httpx.HTTPError:
            return self._load
        self._load = load_of(metrics, slots, kv_tokens=self._plan.kv_tokens, slots=self._plan.slots)
        return self._load

    async def stop(self) -> None:
        await self._server.stop()

    async def _try_start(self, port: int) -> bool:
        """False when the port is taken and another may be tried."""
        self._timeline = Timeline(())
        child = await self._server.spawn(self._command(replace(self._settings, port=port)))
        if await self._is_serving(child):
            self._timeline.end()
            await self._ask_what_it_can()
            return True
        died = await child.wait()
        if _PORT_LOST in child.tail and self._server.may_move:
            return False
        reason = reason_in(child.tail) or f"llama.cpp {died}"
        raise EngineStartError(f"cannot serve {self._model.path}: {reason}", log_tail=child.tail)

    async def _is_serving(self, child: Child) -> bool:
        """Wait until it serves; False when it has died instead."""
        if not self._program:
            return (await child.read_line()).startswith(settings.SERVING)
        died = asyncio.ensure_future(child.wait())
        try:
            while not died.done():
                if await self._server.is_ok("/health", timeout_s=HEALTH_TIMEOUT_S):
                    return True
                await asyncio.wait({died}, timeout=POLL_S)
        finally:
            died.cancel()
        return False

    async def _ask_what_it_can(self) -> None:
        try:
            props = await self._read("/props")
        except httpx.HTTPError as exc:  # then a request shows it
            log.warning("llama.cpp does not tell its properties: %s", exc or type(exc).__name__)
            return
        if not offer.knows_tools(props):
            self.features = (self.features or frozenset()) - {Feature.TOOLS}
        if Feature.TOKEN_PROMPTS in (self.features or ()) and await self._fills_in():
            self.features = (self.features or frozenset()) | {Feature.SUFFIX}

    async def _fills_in(self) -> bool:
        """Whether the model has tokens for texts between a prompt and a suffix."""
        if Endpoint.COMPLETIONS not in self.endpoints:
            return False
        try:
            return await self._server.post(infill.PATH, infill.PROBE) == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _command(self, told: settings.Settings) -> Command:
        if self._program:
            return program.command(sys.executable, self._program, told)
        # the id is for people who read `ps`
        return Command((sys.executable, "-m", settings.MODULE, self._model.id), told.to_env())

    async def _read(self, path: str) -> bytes:
        return await self._server.read(path, timeout_s=METRICS_TIMEOUT_S)


def reason_in(tail: str) -> str:
    """Why llama.cpp would not start, from its log; empty if it does not say."""
    lines = tail.splitlines()
    for pattern in (_REASON, _ERROR, _SAID):
        for line in lines:
            if match := pattern.search(line):
                return match[1].strip()
    return ""
