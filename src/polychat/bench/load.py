"""Sends a workload to a target, in a closed loop or an open one, and collects what became of each request."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from polychat.bench.arrivals import Arrivals
from polychat.bench.connection import Exchange
from polychat.bench.sample import Sample
from polychat.bench.target import Target
from polychat.bench.workload import Conversation, Turn

_LAG_S = 0.02  # how often the event loop is asked whether it keeps up
_LOOK_S = 0.25
CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent, and how."""

    concurrency: int = 8  # conversations at once, in a closed loop
    arrivals: Arrivals | None = None  # an open loop instead
    is_trace: bool = False  # conversations say themselves when they begin
    num_requests: int | None = 100  # None: as long as `duration_s`
    duration_s: float | None = None
    num_warmup: int = 0  # requests that come first and count as nothing
    timeout_s: float = 600.0  # for one request
    stall_s: float = 60.0  # without a byte
    think_s: float = 0.0  # between an answer and the next turn
    seed: int = 0


@dataclass(slots=True)
class Run:
    """What one run has shown."""

    samples: list[Sample] = field(default_factory=list)
    took_s: float = 0.0
    cpu_share: float = 0.0  # of one core, that the load generator itself used
    lag_p99_s: float = 0.0  # of its event loop: what every time measured may be too long by


class Load:
    """One run. `tell` is called after each request with how many have ended."""

    def __init__(self, target: Target, plan: Plan, tell: Callable[[Sample], None] = lambda _: None) -> None:
        self._target = target
        self._plan = plan
        self._tell = tell
        self._idle: list[Exchange] = []
        self._busy: dict[Exchange, float] = {}  # -> when its request was sent
        self._run = Run()
        self._begun_s = 0.0
        self._num_begun = 0

    async def run(self, conversations: Iterator[Conversation]) -> Run:
        """Send until the plan is fulfilled or the conversations are over."""
        loop = asyncio.get_running_loop()
        lags: list[float] = []
        self._begun_s, cpu_s = loop.time(), time.process_time()
        async with _beside(self._watch(), _lag(lags)):
            if self._plan.arrivals is None and not self._plan.is_trace:
                users = [self._user(conversations) for _ in range(self._plan.concurrency)]
                await asyncio.gather(*users)
            else:
                await self._open_loop(conversations)
        self._run.took_s = loop.time() - self._begun_s
        self._run.cpu_share = (time.process_time() - cpu_s) / max(self._run.took_s, 1e-9)
        self._run.lag_p99_s = sorted(lags)[int(0.99 * (len(lags) - 1))] if lags else 0.0
        for connection in self._idle:
            connection.close()
        return self._run

    async def _user(self, conversations: Iterator[Conversation]) -> None:
        """One place in the closed loop: the next conversation when one has ended."""
        while not self._is_over():
            conversation = next(conversations, None)
            if conversation is None:
                return
            await self._talk(conversation)

    async def _open_loop(self, conversations: Iterator[Conversation]) -> None:
        chance, running = random.Random(self._plan.seed), set[asyncio.Task[None]]()
        times_s = self._plan.arrivals.times_s(chance) if self._plan.arrivals else itertools.repeat(0.0)
        loop = asyncio.get_running_loop()
        for conversation, at_s in zip(conversations, times_s, strict=False):
            due_s = (
                conversation.starts_s if self._plan.is_trace and conversation.starts_s is not None else at_s
            )
            await asyncio.sleep(max(0.0, self._begun_s + due_s - loop.time()))
            if self._is_over():
                break
            task = asyncio.create_task(self._talk(conversation))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    def _is_over(self) -> bool:
        plan = self._plan
        if (
            plan.duration_s is not None
            and asyncio.get_running_loop().time() - self._begun_s >= plan.duration_s
        ):
            return True
        return plan.num_requests is not None and self._num_begun >= plan.num_requests + plan.num_warmup

    async def _talk(self, conversation: Conversation) -> None:
        """All turns of a conversation, one after the other."""
        messages: list[dict[str, Any]] = [dict(message) for message in conversation.messages]
        if conversation.system:
            messages.append({"role": "system", "content": conversation.system})
        for number, turn in enumerate(conversation.turns):
            if number:
                await asyncio.sleep(self._plan.think_s)
                if self._is_over():
                    return
            if turn.text:
                messages.append({"role": "user", "content": turn.text})
            is_last = number == len(conversation.turns) - 1
            sample = await self._ask(messages, turn, keeps_text=not is_last)
            if sample.error:
                return
            messages.append({"role": "assistant", "content": sample.text or "…"})

    async def _ask(self, messages: list[dict[str, Any]], turn: Turn, *, keeps_text: bool) -> Sample:
        loop = asyncio.get_running_loop()
        self._num_begun += 1
        sample = Sample(
            sent_at_s=loop.time() - self._begun_s, is_warmup=self._num_begun <= self._plan.num_warmup
        )
        self._run.samples.append(sample)
        request = self._target.request(messages, turn.max_tokens)
        try:
            connection = await self._connection()
        except OSError as exc:
            sample.error = f"no connection: {exc.strerror or exc or 'none in time'}"
            sample.e2e_s = loop.time() - self._begun_s - sample.sent_at_s
            await asyncio.sleep(0.1)  # who is not there is not asked a thousand times a second
        else:
            self._busy[connection] = loop.time()
            await connection.ask(request, sample, keeps_text=keeps_text)
            del self._busy[connection]
            if connection.is_open:
                self._idle.append(connection)
        self._tell(sample)
        return sample

    async def _connection(self) -> Exchange:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        host, port, context = self._target.address
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):  # TimeoutError is an OSError
            _, connection = await loop.create_connection(Exchange, host, port, ssl=context)
        return connection

    async def _watch(self) -> None:
        """Give up requests that take too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_S)
            now_s = loop.time()
            for connection, sent_s in tuple(self._busy.items()):
                if now_s - sent_s > self._plan.timeout_s:
                    connection.fail(f"no end within {self._plan.timeout_s:g} s")
                elif now_s - max(sent_s, connection.heard_s) > self._plan.stall_s:
                    connection.fail(f"nothing came for {self._plan.stall_s:g} s")


async def _lag(lags: list[float]) -> None:
    """How much later than asked this loop wakes up."""
    loop = asyncio.get_running_loop()
    while True:
        asked_s = loop.time() + _LAG_S
        await asyncio.sleep(_LAG_S)
        lags.append(loop.time() - asked_s)


@contextlib.asynccontextmanager
async def _beside(*works: Any) -> AsyncIterator[None]:  # Any: coroutines
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
