"""The engine `transformers`: any checkpoint that the library knows, in a child process.

To read it: `plan` (what is asked of the child), `child`, `opening` (the model and its routes), `app` (HTTP),
`generation` (requests to answers), `asking` and `prompting` (on the way in), `answer`, `reading` and
`choices` (on the way out), `pooled`, `core` (what computes).
"""

import re
import sys
from dataclasses import replace

import httpx
import msgspec

from polychat.engines.base import EngineUnresponsive
from polychat.engines.child_server import ChildServer
from polychat.engines.launch import Command, Phase
from polychat.engines.process import Child
from polychat.engines.spec import EngineSpec, ModelFiles
from polychat.engines.timeline import Timeline
from polychat.engines.transformers import plan
from polychat.engines.transformers.settings import FAILED, MODULE, PHASE, SERVING
from polychat.errors import EngineStartError
from polychat.types import Feature, Load

STATE_TIMEOUT_S = 5.0
_PORT_LOST = "is taken"
_PHASES = tuple(
    Phase(name, re.compile(f"^{PHASE} {word}$"))
    for word, name in (("import", "importing torch"), ("load", "loading the weights"), ("warm-up", "warm-up"))
)


class _State(msgspec.Struct):
    features: list[Feature]
    context_length: int
    adapters: tuple[str, ...]
    load: Load


_read_state = msgspec.json.Decoder(_State).decode


class Transformers:
    """The engine `transformers`."""

    name = "transformers"

    def __init__(self, spec: EngineSpec, model: ModelFiles) -> None:
        """Raises SetupError when the model's files are not whole, or it cannot be run as asked."""
        ready = plan.planned(spec, model)
        self.endpoints = ready.endpoints
        self.features: frozenset[Feature] | None = None
        self.context_length = spec.context_length
        self.adapters = tuple(adapter.name for adapter in spec.tuning.adapters)
        self._settings = ready.settings
        self._timeline: Timeline | None = None
        self._server = ChildServer(spec)

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
        return (await self._ask()).load

    async def stop(self) -> None:
        await self._server.stop()

    async def _try_start(self, port: int) -> bool:
        """False when the port is taken and another may be tried."""
        self._timeline = timeline = Timeline(_PHASES)
        # the name is for people who read `ps`
        argv = (sys.executable, "-m", MODULE, self._settings.name)
        child = await self._server.spawn(Command(argv, replace(self._settings, port=port).to_env()))
        failure = await _told_by(child, timeline)
        if failure is None:
            timeline.end()
            await self._ask()
            return True
        how = await child.wait()
        if _PORT_LOST in failure and self._server.may_move:
            return False
        reason = failure or f"transformers cannot serve {self._settings.model.folder}: it {how}"
        raise EngineStartError(reason, log_tail=child.tail)

    async def _ask(self) -> _State:
        """What the child says of itself now.

        Raises:
            EngineUnresponsive: nothing.
        """
        try:
            state = _read_state(await self._server.read("/state", timeout_s=STATE_TIMEOUT_S))
        except (httpx.HTTPError, msgspec.DecodeError) as exc:
            raise EngineUnresponsive(f"transformers does not answer: {exc or type(exc).__name__}") from exc
        self.features = frozenset(state.features)
        self.context_length = state.context_length
        self.adapters = state.adapters
        return state


async def _told_by(child: Child, timeline: Timeline) -> str | None:
    """Wait until it serves, then None; otherwise why it does not, "" if it did not say."""
    while line := await child.read_line():
        word, _, rest = line.partition(" ")
        if word == SERVING:
            return None
        if word == FAILED:
            return rest
        timeline.feed(line)
    return ""
