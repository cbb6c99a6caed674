"""An open load on a site: requests come when they come, whatever became of those before."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence

from tests.support.chaos.asks import Ask
from tests.support.chaos.client import Client, Door
from tests.support.chaos.history import Trace


class Load:
    """Asks each request at a gateway chosen by chance, with the others as the next."""

    def __init__(self, client: Client, doors: Sequence[Door], told: Callable[[Trace], None]) -> None:
        """`told` hears of each request when it has ended."""
        self._client = client
        self._doors = doors
        self._told = told
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, asks: Iterable[Ask], *, rate: float, seed: int) -> None:
        """Until it is cancelled; what has begun goes on. `rate`: requests per second, at random times."""
        loop = asyncio.get_running_loop()
        chance = random.Random(f"load {seed}")
        due_s = loop.time()
        for ask in asks:
            due_s += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            task = asyncio.create_task(self._ask(ask, chance.sample(self._doors, len(self._doors))))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def ended(self) -> None:
        """Wait until every request has ended."""
        while self._running:
            await asyncio.wait(self._running)

    async def _ask(self, ask: Ask, doors: Sequence[Door]) -> None:
        self._told(await self._client.ask(ask, doors))
