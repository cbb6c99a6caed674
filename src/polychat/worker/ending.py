"""How both agents of a worker end: told once they drain, told twice they end at once."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from polychat.engines.base import EngineUnresponsive
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Load
from polychat.worker.link import Link

log = logging.getLogger(__name__)

GATEWAYS_LEARN_S = 0.3  # from our word to the controller until no gateway sends a request
DRAIN_POLL_S = 0.1


class Ending:
    """The end of one agent's work. `stop` may be called from a signal handler."""

    def __init__(self, link: Link | None, *, drain_timeout_s: float) -> None:
        self._link = link
        self._drain_timeout_s = drain_timeout_s
        self._is_draining = asyncio.Event()
        self._at_once = asyncio.Event()

    @property
    def is_near(self) -> bool:
        return self._is_draining.is_set()

    def stop(self) -> None:
        """Finish what runs and end; the second time: end."""
        if self._is_draining.is_set():
            self._at_once.set()
        self._is_draining.set()

    async def after(self, jobs: "Sequence[asyncio.Task[None]]", drain: Callable[[], Awaitable[None]]) -> None:
        """Let the jobs run until `stop` or until one of them fails, which is raised; drain, then end them."""
        told_to_stop = asyncio.create_task(self._is_draining.wait())
        try:
            await asyncio.wait({*jobs, told_to_stop}, return_when=asyncio.FIRST_COMPLETED)
            for job in jobs:
                if job.done():
                    job.result()
            await drain()
        finally:
            await _cancel(*jobs, told_to_stop)

    async def until_empty(self, load: Callable[[], Awaitable[Load]]) -> None:
        """Wait until gateways know and nothing runs, for the time that there is, or until `stop` again.

        `load` asks for what runs now. It may raise EngineUnresponsive: then there is nothing to wait for.
        """
        emptied = asyncio.create_task(self._emptied(load))
        at_once = asyncio.create_task(self._at_once.wait())
        try:
            await asyncio.wait(
                {emptied, at_once}, timeout=self._drain_timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            await _cancel(emptied, at_once)

    async def _emptied(self, load: Callable[[], Awaitable[Load]]) -> None:
        if self._link is not None and await self._link.until_told(timeout_s=1.0):
            await asyncio.sleep(GATEWAYS_LEARN_S)
        with contextlib.suppress(EngineUnresponsive):
            while True:
                now = await load()
                if not now.running + now.waiting:
                    return
                await asyncio.sleep(DRAIN_POLL_S)


def log_state(replica: Replica) -> None:
    """One line on what has become of it."""
    level = logging.WARNING if replica.state is ReplicaState.STARTING else logging.INFO
    detail = f" ({replica.detail})" if replica.detail else ""
    log.log(level, "%s at %s is %s%s", replica.model, replica.url, replica.state, detail)


async def _cancel(*tasks: "asyncio.Task[None] | asyncio.Task[Literal[True]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
