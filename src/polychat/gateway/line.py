"""What waits for one model, and how fast it moves."""

import asyncio
import math
from dataclasses import dataclass

from polychat.engines.base import RequestView
from polychat.errors import PlatformError
from polychat.gateway.attempts import Attempts
from polychat.gateway.drain import Drain
from polychat.gateway.journey import Journey
from polychat.gateway.queue import FairQueue, Ticket
from polychat.routing.replica import Replica


@dataclass(frozen=True, slots=True)
class Rules:
    """How long requests may wait, and how many. The command line checks the values."""

    size: int = 200  # of each model's queue
    busy_s: float = 30.0  # that a request waits for a busy model
    absent_s: float = 5.0  # that it waits while no replica of its model is ready
    batch_share: float = 0.1  # of the turns, for batches while others wait too


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why no replica may take a request at the moment."""

    failure: PlatformError | None  # what the client is told when this stays so; None: the model is overloaded
    is_absent: bool = False  # there is none, or none that was not tried
    opens_s: float = math.inf  # when this may change by itself


@dataclass(eq=False, slots=True)
class Waiter(Ticket):
    """One request that waits."""

    view: RequestView
    attempts: Attempts
    journey: Journey
    blocked: Blocked
    verdict: "asyncio.Future[Replica | PlatformError]"
    found: Replica | PlatformError | None = None
    timer: asyncio.TimerHandle | None = None

    def give_up_s(self, rules: Rules, drain: Drain, *, now_s: float) -> float:
        """When it has waited long enough, or could not be answered any more before its client leaves."""
        attempts = self.attempts
        if attempts.waits_since_s is None:
            attempts.waits_since_s = now_s
        until_s = attempts.waits_since_s + rules.busy_s
        if not self.blocked.is_absent:
            attempts.absent_since_s = None
        else:
            if attempts.absent_since_s is None:
                attempts.absent_since_s = now_s
            until_s = min(attempts.absent_since_s, until_s) + rules.absent_s
        if self.journey.deadline_s is None:
            return until_s
        return min(until_s, self.journey.deadline_s - drain.first_byte_s(is_stream=self.view.stream))

    def answer(self, verdict: Replica | PlatformError) -> None:
        """It waits no longer. Nothing happens if its client has just left."""
        if not self.verdict.done():
            self.verdict.set_result(verdict)


class Line:
    """One model's queue, and what is known of its speed."""

    def __init__(self, rules: Rules) -> None:
        self.queue: FairQueue[Waiter] = FairQueue(size=rules.size, batch_share=rules.batch_share)
        self.drain = Drain()
        self.num_running = 0
        self.reopens: asyncio.TimerHandle | None = None

    def finished(self, journey: Journey, *, began_s: float, now_s: float) -> None:
        """A request that began at `began_s` has ended; only what was answered says how fast the model is."""
        self.num_running -= 1
        if journey.first_s is not None and journey.first_s >= began_s:
            self.drain.finished(
                now_s=now_s,
                took_s=now_s - began_s,
                first_s=journey.first_s - began_s,
                is_stream=journey.is_stream,
                others_wait=len(self.queue) > 0,
            )

    def wait_s(self, waiter: Waiter, *, now_s: float) -> float | None:
        """How long `waiter`, which comes now, will wait; None when nothing is known yet."""
        num_ahead = self.queue.num_ahead(waiter.key_id, waiter.priority)
        return self.drain.wait_s(num_ahead, num_running=self.num_running, now_s=now_s)

    def retry_after_s(self, *, now_s: float, chance: float) -> int:
        return self.drain.retry_after_s(
            len(self.queue), num_running=self.num_running, now_s=now_s, chance=chance
        )
