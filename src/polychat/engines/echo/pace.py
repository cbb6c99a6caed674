"""How fast the echo engine answers, and how many requests at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from polychat.engines.spec import EchoSpeed
from polychat.types import Load


class Pace:
    """Slots, a queue before them, and a clock for each request's tokens."""

    def __init__(self, speed: EchoSpeed, *, slots: int) -> None:
        self._speed = speed
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._running = 0
        self._waiting = 0
        self._tokens_total = 0

    @property
    def load(self) -> Load:
        return Load(
            running=self._running,
            waiting=self._waiting,
            kv_cache_usage=round(self._running / self._slots, 4),
            slots=self._slots,
            output_tokens_total=self._tokens_total,
        )

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the slots; waits in the queue while all are taken."""
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._free.release()

    async def steps(self, count: int) -> AsyncIterator[int]:
        """0 to `count` - 1, each when its tokens are due; being late with one does not make the next late."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._speed.ttft_s
        gap_s = 1 / self._speed.tokens_per_s if self._speed.tokens_per_s else 0.0
        for step in range(count):
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            due_s += gap_s
            yield step

    def produced(self, num_tokens: int) -> None:
        self._tokens_total += num_tokens
