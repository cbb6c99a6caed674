"""The counts of one key, in memory that the gateways of one host share.

What is limited per minute and what has been used are common to all; the requests that run and the tokens held
for them are counted by each process in a cell of its own, so that they go when it does.
"""

from dataclasses import dataclass
from enum import IntEnum

from polychat.gateway.quota.bucket import level_at

MAX_PROCESSES = 32
ID_CELLS = 4  # 32 characters
_DAY, _MONTH = 8, 11  # each: its number, tokens, engine seconds
_RUNNING = 16
_HELD = _RUNNING + MAX_PROCESSES
CELLS = _HELD + MAX_PROCESSES


class Kind(IntEnum):
    """What is limited per minute, by the place of its bucket: the level, and when that was."""

    REQUESTS = 4
    TOKENS = 6


@dataclass(frozen=True, slots=True)
class Spent:
    """In a day or month."""

    tokens: float
    engine_s: float


class Row:
    """One key's cells. To change them takes the table's lock."""

    __slots__ = ("_at", "_cells", "_held", "_own_held", "_own_running", "_running")

    def __init__(self, cells: "memoryview[float]", at: int, *, process: int, num_processes: int) -> None:
        self._cells, self._at = cells, at
        running, held = at + _RUNNING, at + _HELD
        self._own_running, self._own_held = running + process, held + process
        self.widen(num_processes)

    def widen(self, num_processes: int) -> None:
        """Look at the cells of that many processes."""
        running, held = self._at + _RUNNING, self._at + _HELD
        self._running = slice(running, running + num_processes)
        self._held = slice(held, held + num_processes)

    @property
    def running(self) -> float:
        """Requests, in all processes."""
        return sum(self._cells[self._running])

    @property
    def held(self) -> float:
        """Tokens, for requests that run in all processes."""
        return sum(self._cells[self._held])

    def hold(self, *, running: int, tokens: float) -> None:
        """Count requests of this process, and tokens held for them, in or out."""
        self._cells[self._own_running] += running
        self._cells[self._own_held] += tokens

    def forget_own(self) -> None:
        """Nothing runs in this process."""
        self._cells[self._own_running] = self._cells[self._own_held] = 0.0

    def level(self, kind: Kind, limit: int, now_s: float) -> float:
        """What is in a bucket now."""
        at = self._at + kind
        return level_at(self._cells[at], self._cells[at + 1], now_s, limit)

    def set_level(self, kind: Kind, level: float, now_s: float) -> None:
        at = self._at + kind
        self._cells[at], self._cells[at + 1] = level, now_s

    def spent_in_day(self, day: int) -> Spent:
        return self._spent(self._at + _DAY, day)

    def spent_in_month(self, month: int) -> Spent:
        return self._spent(self._at + _MONTH, month)

    def spend(self, day: int, month: int, used: Spent) -> None:
        """Count what a request has used in its day and month."""
        for at, number in ((self._at + _DAY, day), (self._at + _MONTH, month)):
            before = self._spent(at, number)
            self._set(at, number, before.tokens + used.tokens, before.engine_s + used.engine_s)

    def raise_to(self, day: int, month: int, in_day: Spent, in_month: Spent) -> None:
        """At least so much has been used, as others know."""
        for at, number, known in ((self._at + _DAY, day, in_day), (self._at + _MONTH, month, in_month)):
            own = self._spent(at, number)
            self._set(at, number, max(own.tokens, known.tokens), max(own.engine_s, known.engine_s))

    def _spent(self, at: int, number: int) -> Spent:
        cells = self._cells
        return Spent(cells[at + 1], cells[at + 2]) if cells[at] == number else _NOTHING

    def _set(self, at: int, number: int, tokens: float, engine_s: float) -> None:
        self._cells[at + 1], self._cells[at + 2], self._cells[at] = tokens, engine_s, number


_NOTHING = Spent(0.0, 0.0)
