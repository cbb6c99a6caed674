"""Answers that are made while nobody waits for them: tasks of this gateway, known by their response's id.

Several gateways may share a database. Each tells it every few seconds which responses it works on; one that
nobody has spoken for is lost, and one that is no longer meant to run was cancelled elsewhere.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine

from polychat.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

BEAT_S = 3.0
LOST_AFTER_S = 15.0  # without a beat; more than clocks of several machines differ

Beat = Callable[[frozenset[str]], Awaitable[frozenset[str]]]
"""Speaks for the responses with these ids; returns those that are still meant to run."""


class Background:
    """The tasks of one gateway."""

    def __init__(self, beat: Beat, *, beat_s: float = BEAT_S) -> None:
        self._beat = beat
        self._beat_s = beat_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._beating: asyncio.Task[None] | None = None
        self._stopping_since_s: float | None = None

    @property
    def running(self) -> frozenset[str]:
        return frozenset(self._tasks)

    def start(self, id_: str, work: Coroutine[None, None, None]) -> None:
        """Do `work` while the gateway runs. It must handle its own errors."""
        task = self._tasks[id_] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._ended(id_, done))
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._speak_for_them())

    async def cancel(self, id_: str) -> None:
        """Stop it if it runs here, and with it the engine."""
        if task := self._tasks.get(id_):
            task.cancel()
            await asyncio.wait([task])

    def note_stop(self) -> None:
        """The time that running work gets begins now. Safe in a signal handler."""
        self._stopping_since_s = self._stopping_since_s or time.monotonic()

    async def stop(self, *, drain_timeout_s: float) -> frozenset[str]:
        """Let running work end, until `drain_timeout_s` after `note_stop`; then cancel it. What was cut."""
        since_s = self._stopping_since_s or time.monotonic()
        if self._tasks:
            left_s = max(0.0, since_s + drain_timeout_s - time.monotonic())
            await asyncio.wait(self._tasks.values(), timeout=left_s)
        cut = self.running
        for id_ in cut:
            await self.cancel(id_)
        if self._beating is not None:
            self._beating.cancel()
        return cut

    async def _speak_for_them(self) -> None:
        while self._tasks:
            await asyncio.sleep(self._beat_s)
            try:
                wanted = await self._beat(self.running)
            except DatabaseUnavailable:  # has been logged; the next beat may do better
                continue
            for id_ in self.running - wanted:
                await self.cancel(id_)

    def _ended(self, id_: str, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(id_, None)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("a bug in the background response %s", id_, exc_info=exc)
