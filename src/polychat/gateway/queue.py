"""Who goes next: a bounded queue with priorities, and a fair turn for each caller. Pure; one for each model.

First go requests that have been tried already, then interactive ones, then those of batches, which get a
share of the turns however many interactive ones wait. Within a priority callers take turns, and each caller's
own requests go in the order in which they came.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

from polychat.gateway.caller import Priority


@dataclass(eq=False, slots=True)
class Ticket:
    """One request that waits."""

    key_id: str  # of its caller; "": nobody in particular, all of whom are one caller
    priority: Priority
    is_retry: bool  # it has been tried already


T = TypeVar("T", bound=Ticket)


class Lost(NamedTuple, Generic[T]):
    """A request for which there is no place."""

    ticket: T
    is_own_fault: bool  # its caller has as many here as it may, or more


class FairQueue(Generic[T]):
    """Requests that wait for one model."""

    def __init__(self, *, size: int, batch_share: float) -> None:
        """`batch_share`: of the turns, 0 to below 1, while both priorities wait."""
        self._size = size
        self._batch_gain = batch_share / (1 - batch_share)
        self._retries: dict[T, None] = {}  # as an ordered set
        self._callers = {priority: _Callers[T]() for priority in Priority}
        self._batch_credit = 0.0  # turns that batches have earned by letting others go first

    def __len__(self) -> int:
        return len(self._retries) + sum(len(callers) for callers in self._callers.values())

    def __iter__(self) -> Iterator[T]:
        """All of them, the next one first."""
        first, second = self._in_order()
        return chain(self._retries, first, second)

    def num_waiting(self, priority: Priority) -> int:
        retries = sum(ticket.priority is priority for ticket in self._retries)
        return retries + len(self._callers[priority])

    def add(self, ticket: T) -> Lost[T] | None:
        """Let `ticket` wait; who has no place instead when the queue is full, perhaps itself.

        One that has been tried already always has a place.
        """
        lost = None
        if not ticket.is_retry and len(self) >= self._size:
            lost = self._loser(ticket)
            if lost.ticket is ticket:
                return lost
            self.remove(lost.ticket)
        if ticket.is_retry:
            self._retries[ticket] = None
        else:
            self._callers[ticket.priority].add(ticket)
        return lost

    def remove(self, ticket: T) -> None:
        """`ticket` waits no longer; nothing happens if it does not wait here."""
        if ticket.is_retry:
            self._retries.pop(ticket, None)
        else:
            self._callers[ticket.priority].remove(ticket)

    def take(self, may_go: Callable[[T], bool]) -> T | None:
        """The next one that may go, which then no longer waits here."""
        for ticket in self:
            if may_go(ticket):
                if not ticket.is_retry:
                    self._count_turn(ticket)
                    self._callers[ticket.priority].end_turn(ticket)
                self.remove(ticket)
                return ticket
        return None

    def num_ahead(self, key_id: str, priority: Priority) -> float:
        """How many will go before a request that comes now, about; more may come and go first."""
        interactive, batch = self._callers[Priority.INTERACTIVE], self._callers[Priority.BATCH]
        if priority is Priority.INTERACTIVE:
            own = interactive.num_ahead(key_id)
            return len(self._retries) + own + min(len(batch), own * self._batch_gain)
        own = batch.num_ahead(key_id)
        others = min(len(interactive), own / self._batch_gain) if self._batch_gain else len(interactive)
        return len(self._retries) + own + others

    def _in_order(self) -> tuple["_Callers[T]", "_Callers[T]"]:
        interactive, batch = self._callers[Priority.INTERACTIVE], self._callers[Priority.BATCH]
        return (batch, interactive) if self._batch_credit >= 1 else (interactive, batch)

    def _count_turn(self, ticket: T) -> None:
        if ticket.priority is Priority.BATCH:
            self._batch_credit = max(0.0, self._batch_credit - 1)
        elif len(self._callers[Priority.BATCH]):
            self._batch_credit += self._batch_gain
        else:
            self._batch_credit = 0.0

    def _loser(self, newcomer: T) -> Lost[T]:
        """The last of a batch if the newcomer is none, else the last of the caller that has the most here."""
        batch = self._callers[Priority.BATCH]
        if newcomer.priority is Priority.INTERACTIVE and len(batch):
            return self._lost(batch.last_of(batch.busiest()), newcomer)
        callers = self._callers[newcomer.priority]
        busiest = callers.busiest()
        if callers.count(busiest) > callers.count(newcomer.key_id) + 1:
            return self._lost(callers.last_of(busiest), newcomer)
        return self._lost(newcomer, newcomer)

    def _lost(self, ticket: T, newcomer: T) -> Lost[T]:
        callers = self._callers[ticket.priority]
        fair = self._size / callers.num_with(newcomer.key_id)
        return Lost(ticket, is_own_fault=bool(ticket.key_id) and callers.count(ticket.key_id) >= fair)


class _Callers(Generic[T]):
    """Each caller's requests of one priority; the caller whose turn is next comes first."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[T, None]] = {}
        self._num = 0

    def __len__(self) -> int:
        return self._num

    def __iter__(self) -> Iterator[T]:
        lines = [iter(line) for line in self._lines.values()]
        while lines:
            going_on = []
            for line in lines:
                if (ticket := next(line, None)) is not None:
                    yield ticket
                    going_on.append(line)
            lines = going_on

    def add(self, ticket: T) -> None:
        self._lines.setdefault(ticket.key_id, {})[ticket] = None
        self._num += 1

    def remove(self, ticket: T) -> None:
        line = self._lines.get(ticket.key_id, {})
        if ticket in line:
            del line[ticket]
            self._num -= 1
            if not line:
                del self._lines[ticket.key_id]

    def end_turn(self, ticket: T) -> None:
        """Its caller's next turn is after everybody else's."""
        self._lines[ticket.key_id] = self._lines.pop(ticket.key_id)

    def count(self, key_id: str) -> int:
        return len(self._lines.get(key_id, ()))

    def num_with(self, key_id: str) -> int:
        """Callers that wait, this one counted in."""
        return len(self._lines.keys() | {key_id})

    def num_ahead(self, key_id: str) -> int:
        own = self.count(key_id)
        others = sum(min(len(line), own + 1) for id_, line in self._lines.items() if id_ != key_id)
        return own + others

    def busiest(self) -> str:
        """The caller that has the most here; "" when nobody waits."""
        return max(self._lines, key=self.count, default="")

    def last_of(self, key_id: str) -> T:
        return next(reversed(self._lines[key_id]))
