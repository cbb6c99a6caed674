"""The agent beside an engine: starts it, tells the controller how it is, restarts it, drains it at the end.

`link.py` speaks with the controller, `backoff.py` says how long to wait after a death.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from polychat.engines.base import Engine, EngineUnresponsive, NamesItsModel
from polychat.errors import SetupError
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Load
from polychat.worker import backoff
from polychat.worker.ending import Ending, log_state
from polychat.worker.link import Link

log = logging.getLogger(__name__)

ANNOUNCE_START_AFTER_S = 1.0  # an engine that is up sooner is announced once, as ready
_DIGITS = re.compile(r"\d+")
PROGRESS_S = 0.5  # how often a start is asked what it is at
LOOK_S = 0.3  # how often an engine that runs is asked for its load
PATIENCE_S = 0.45  # an engine that takes longer to tell it is asked for answers last
REPORT_S = 1.0  # how often a load that stays as it is is told all the same


@dataclass(frozen=True, slots=True)
class Orders:
    """What the agent was told."""

    address_of: Callable[[str], str]  # the engine's own URL -> the one that gateways use
    drain_timeout_s: float = 30.0


class Agent:
    """One engine's life. `stop` may be called from a signal handler: once to drain, twice to end at once."""

    def __init__(self, engine: Engine, replica: Replica, link: Link | None, orders: Orders) -> None:
        """`replica`'s URL is where the engine will probably be; without a link nobody is told."""
        self._engine = engine
        self._replica = replica
        self._why = replica.detail  # this engine and no other
        self._link = link
        self._orders = orders
        self._shown: tuple[object, ...] | None = None  # what was told last
        self._logged: tuple[object, ...] = ()  # of that, what the log has been told last
        self._reported_s = -REPORT_S
        self._ending = Ending(link, drain_timeout_s=orders.drain_timeout_s)

    def stop(self) -> None:
        """Finish what runs and end; the second time: end."""
        self._ending.stop()

    async def run(self) -> None:
        """Until `stop`. Leaves nothing behind, whatever happens.

        Raises:
            EngineStartError: the engine did not start the first time.
            SetupError: the controller refuses us.
        """
        jobs = [asyncio.create_task(self._keep_engine(), name="engine")]
        if self._link is not None:
            jobs.append(asyncio.create_task(self._link.run(), name="link"))
        try:
            await self._ending.after(jobs, self._drain)
        finally:
            await self._engine.stop()

    async def _keep_engine(self) -> None:
        loop = asyncio.get_running_loop()
        await self._start_engine()
        failures = 0
        while True:
            since_s = loop.time()
            how = await self._watch_engine()
            failures = backoff.failures_after(failures, lived_s=loop.time() - since_s)
            while True:
                wait_s = backoff.delay_s(failures)
                self._show(
                    ReplicaState.STARTING,
                    f"the engine is gone ({how}); it is started again after {wait_s:g} s",
                )
                await asyncio.sleep(wait_s)
                try:
                    await self._start_engine()
                    break
                except SetupError as exc:  # what worked once may work again: memory, a port
                    how, failures = str(exc), failures + 1

    async def _start_engine(self) -> None:
        starting = asyncio.ensure_future(self._engine.start())
        before = self._replica.detail
        try:
            await asyncio.wait({starting}, timeout=ANNOUNCE_START_AFTER_S)
            while not starting.done():
                self._locate(self._engine.url)
                self._show(ReplicaState.STARTING, self._starting(before))
                await asyncio.wait({starting}, timeout=PROGRESS_S)
            self._locate(await starting)
        finally:
            starting.cancel()
        log.info("%s runs on %s", self._replica.model, self._why or self._replica.engine)
        self._show(ReplicaState.READY, "")

    def _starting(self, before: str) -> str:
        """What to tell of a start: what it is at, and at first why with this engine."""
        if before != self._why:
            return self._engine.progress or before
        news = self._engine.progress or "the model is being loaded"
        return f"{self._why}; {news}" if self._why else news

    async def _watch_engine(self) -> str:
        """Look after it until it is gone; how it went."""
        gone = asyncio.ensure_future(self._engine.wait_exit())
        looking = asyncio.create_task(self._keep_looking())
        try:
            await asyncio.wait({gone, looking}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()  # raises: it does not end by itself
            return gone.result()
        finally:
            gone.cancel()
            looking.cancel()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look()

    async def _look(self) -> None:
        """Ask for its load, and tell at once when it takes its time."""
        asked = asyncio.ensure_future(self._engine.load())
        try:
            await asyncio.wait({asked}, timeout=PATIENCE_S)
            if not asked.done() and self._replica.state is ReplicaState.READY:
                self._show(ReplicaState.SILENT, f"the engine has not answered for {PATIENCE_S:g} s")
            load = await asked
        except EngineUnresponsive as exc:
            self._show(ReplicaState.STARTING, str(exc))
            return
        finally:
            asked.cancel()
        self._report(load)

    def _report(self, load: Load) -> None:
        now_s = asyncio.get_running_loop().time()
        is_news = load != self._replica.load or now_s - self._reported_s >= REPORT_S
        self._replica = replace(
            self._replica,
            load=load,
            adapters=self._engine.adapters,
            context_length=self._engine.context_length,
        )
        self._show(ReplicaState.READY, "")
        if self._link is not None and is_news:
            self._reported_s = now_s
            self._link.report(self._replica.id, load)

    def _locate(self, url: str) -> None:
        self._replica = replace(
            self._replica,
            url=self._orders.address_of(url),
            endpoints=self._engine.endpoints,
            context_length=self._engine.context_length,
            features=self._engine.features,
            adapters=self._engine.adapters,
            upstream_model=self._engine.upstream_model if isinstance(self._engine, NamesItsModel) else "",
            startup="; ".join(part for part in (self._why, self._engine.progress) if part),
        )

    def _show(self, state: ReplicaState, detail: str) -> None:
        """Tell the controller and the log, if that is new. Once draining, always draining."""
        if self._ending.is_near:
            state, detail = ReplicaState.DRAINING, ""
        changed = replace(self._replica, state=state, detail=detail)
        shown = (changed.state, changed.detail, changed.url, changed.adapters, changed.context_length)
        if shown == self._shown:
            return
        self._replica = changed
        self._shown = shown
        if self._link is not None:
            self._link.announce(changed)
        self._log(changed)

    def _log(self, replica: Replica) -> None:
        """Once for each thing that happens, and not for every second that it takes."""
        told = (replica.state, _DIGITS.sub("", replica.detail), replica.url)
        if told == self._logged:
            return
        self._logged = told
        log_state(replica)

    async def _drain(self) -> None:
        """Let gateways know, then wait until nothing runs, the time is over, or `stop` is called again."""
        if self._shown is None:
            return  # nobody knows us yet
        self._show(ReplicaState.DRAINING, "")
        await self._ending.until_empty(self._still_running)

    async def _still_running(self) -> Load:
        load = await self._engine.load()
        if self._link is not None:
            self._link.report(self._replica.id, load)
        return load
