"""An open load on a site: requests come when they come, whatever became of those before."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence

from tests.support.chaos.asks import Ask
from tests.support.chaos.client import Client, Door
from tests.support.chaos.history import Trace


class Load:
    """Asks at a rate, each request at a gateway of its own choice, the other one as the second."""

    def __init__(
        self, client: Client, asks: Iterator[Ask], doors: Sequence[Door], *, rate: float, seed: int
    ) -> None:
        self.traces: list[Trace] = []  # that have ended; whoever has judged them takes them out
        self._client = client
        self._asks = asks
        self._doors = doors
        self._rate = rate
        self._chance = random.Random(f"load {seed}")
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until it is cancelled; what has begun goes on."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for ask in self._asks:
            due_s += self._chance.expovariate(self._rate)
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            doors = self._chance.sample(self._doors, len(self._doors))
            task = asyncio.create_task(self._ask(ask, doors))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def ended(self) -> None:
        """Wait until every request has ended."""
        while self._running:
            await asyncio.wait(self._running)

    async def _ask(self, ask: Ask, doors: Sequence[Door]) -> None:
        self.traces.append(await self._client.ask(ask, doors))


async def once(
    client: Client, asks: Iterator[Ask], doors: Sequence[Door], told: Callable[[Trace], None]
) -> None:
    """Ask one after the other."""
    for ask in asks:
        told(await client.ask(ask, doors))
