"""Where requests wait for a replica: a line for each model, from which the right one goes when it may.

Whoever waits has a future, and nobody but the one that may go is woken. Its place at the replica is taken
for it at once; a request whose client leaves in that moment gives it to the next.
"""

import asyncio
import math
import random
from collections.abc import Callable

from polychat.engines.base import RequestView
from polychat.errors import Overloaded, PlatformError, RateLimited
from polychat.gateway.attempts import Attempts
from polychat.gateway.caller import Priority
from polychat.gateway.journey import Journey
from polychat.gateway.line import Blocked, Line, Rules, Waiter
from polychat.gateway.places import Places
from polychat.gateway.queue import Lost
from polychat.routing.replica import Replica

Look = Callable[[RequestView, Attempts], Replica | Blocked]
"""The replica for a request, or why there is none now; raises PlatformError when waiting is no use."""


class Lines:
    """The lines of all models."""

    def __init__(self, rules: Rules, places: Places, look: Look, chance: random.Random) -> None:
        self._rules = rules
        self._places = places
        self._look = look
        self._chance = chance
        self._lines: dict[str, Line] = {}

    def __len__(self) -> int:
        """Requests that wait."""
        return sum(len(line.queue) for line in self._lines.values())

    def waiting(self) -> dict[str, tuple[int, int]]:
        """Interactive requests and those of batches that wait, for each model that was asked for."""
        return {name: _by_priority(line) for name, line in self._lines.items()}

    def line(self, model: str) -> Line:
        """The line of a model, by its public id."""
        line = self._lines.get(model)
        if line is None:
            line = self._lines[model] = Line(self._rules)
        return line

    async def wait(
        self, model: str, view: RequestView, attempts: Attempts, journey: Journey, blocked: Blocked
    ) -> Replica:
        """The replica for a request that is `blocked` now, once there is one for it.

        Raises:
            PlatformError: none has become free in time, or will not.
        """
        line = self.line(model)
        waiter = _waiter(view, attempts, journey, blocked)
        self._enter(line, waiter)
        try:
            verdict = await waiter.verdict
        except asyncio.CancelledError:
            if waiter.verdict.done() and isinstance(waiter.found, Replica):
                self._places.end(waiter.found.id)
                self.freed(waiter.found)
            raise
        finally:
            line.queue.remove(waiter)
            if waiter.timer is not None:
                waiter.timer.cancel()
        if isinstance(verdict, PlatformError):
            raise verdict
        self._places.end(verdict.id)  # whoever gets it takes the place again before anybody else runs
        return verdict

    def freed(self, replica: Replica) -> None:
        """There may be room at `replica`: let those go that now may."""
        for line in self._lines.values():
            while len(line.queue) and self._places.is_free(replica):
                if not self._next_goes(line):
                    break

    def changed(self, models: set[str]) -> None:
        """Replicas came, went or changed. `models`: those that there are now, by their public ids."""
        now_s = _now_s()
        for line in self._lines.values():
            while self._next_goes(line):
                pass
            for waiter in line.queue:
                self._arm(line, waiter, now_s)
        self._lines = {
            name: line
            for name, line in self._lines.items()
            if name in models or len(line.queue) or line.num_running
        }

    def _enter(self, line: Line, waiter: Waiter) -> None:
        """Let `waiter` wait in `line`.

        Raises:
            Overloaded: it would wait too long, or the queue is full.
            RateLimited: the queue is full of its caller's requests.
        """
        now_s = _now_s()
        give_up_s = waiter.give_up_s(self._rules, line.drain, now_s=now_s)
        if not (waiter.blocked.is_absent or waiter.is_retry):
            wait_s = line.wait_s(waiter, now_s=now_s)
            if wait_s is not None and now_s + wait_s > give_up_s:
                raise self._too_long(line, waiter, wait_s, now_s)
        lost = line.queue.add(waiter)
        if lost is not None:
            error = self._full(line, lost, now_s)
            if lost.ticket is waiter:
                raise error
            lost.ticket.answer(error)
        self._arm(line, waiter, now_s)

    def _next_goes(self, line: Line) -> bool:
        """Let the next one go that may; False when none may."""
        waiter = line.queue.take(self._may_go)
        if waiter is None:
            return False
        assert waiter.found is not None, "that is why it may go"
        if isinstance(waiter.found, Replica):
            self._places.begin(waiter.found.id)
        waiter.answer(waiter.found)
        return True

    def _may_go(self, waiter: Waiter) -> bool:
        """Whether there is a replica for it, or no use in waiting."""
        if waiter.verdict.done():  # its client has just left
            return False
        try:
            found = self._look(waiter.view, waiter.attempts)
        except PlatformError as exc:
            waiter.found = exc
            return True
        if isinstance(found, Blocked):
            waiter.blocked = found
            return False
        waiter.found = found
        return True

    def _arm(self, line: Line, waiter: Waiter, now_s: float) -> None:
        """Set the clock for it: when it has waited long enough, and when its way may open by itself."""
        loop = asyncio.get_running_loop()
        give_up_s = waiter.give_up_s(self._rules, line.drain, now_s=now_s)
        if waiter.timer is None or waiter.timer.when() != give_up_s:
            if waiter.timer is not None:
                waiter.timer.cancel()
            waiter.timer = loop.call_at(give_up_s, self._give_up, line, waiter)
        opens_s = waiter.blocked.opens_s
        if math.isfinite(opens_s) and (line.reopens is None or opens_s < line.reopens.when()):
            if line.reopens is not None:
                line.reopens.cancel()
            line.reopens = loop.call_at(opens_s, self._reopen, line)

    def _reopen(self, line: Line) -> None:
        line.reopens = None
        while self._next_goes(line):
            pass
        now_s = _now_s()
        for waiter in line.queue:
            self._arm(line, waiter, now_s)

    def _give_up(self, line: Line, waiter: Waiter) -> None:
        """It has waited long enough."""
        line.queue.remove(waiter)
        now_s = _now_s()
        waited_s = now_s - (waiter.attempts.waits_since_s or now_s)
        waiter.answer(
            waiter.blocked.failure
            or self._overloaded(line, waiter, f"this one has waited {waited_s:.1f} s", now_s)
        )

    def _too_long(self, line: Line, waiter: Waiter, wait_s: float, now_s: float) -> PlatformError:
        why = f"this one would wait for {wait_s:.1f} s, which is too long"
        return self._overloaded(line, waiter, why, now_s)

    def _full(self, line: Line, lost: Lost[Waiter], now_s: float) -> PlatformError:
        if lost.is_own_fault:
            message = (
                f"This key has as many requests waiting for the model {lost.ticket.view.model!r} as it may "
                f"while its queue is full: {len(line.queue)} wait."
            )
            return RateLimited(message, retry_after_s=self._retry_after_s(line, now_s), limits={})
        return self._overloaded(line, lost.ticket, "there is no room for more", now_s)

    def _overloaded(self, line: Line, waiter: Waiter, why: str, now_s: float) -> Overloaded:
        retry_after_s = self._retry_after_s(line, now_s)
        return Overloaded(
            f"The model {waiter.view.model!r} is overloaded: {len(line.queue)} requests wait for it, and "
            f"{why}. Try again in {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )

    def _retry_after_s(self, line: Line, now_s: float) -> int:
        return line.retry_after_s(now_s=now_s, chance=self._chance.random())


def _waiter(view: RequestView, attempts: Attempts, journey: Journey, blocked: Blocked) -> Waiter:
    return Waiter(
        key_id=journey.caller.key_id,
        priority=journey.priority,
        is_retry=attempts.last_failure is not None,
        view=view,
        attempts=attempts,
        journey=journey,
        blocked=blocked,
        verdict=asyncio.get_running_loop().create_future(),
    )


def _by_priority(line: Line) -> tuple[int, int]:
    return line.queue.num_waiting(Priority.INTERACTIVE), line.queue.num_waiting(Priority.BATCH)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
