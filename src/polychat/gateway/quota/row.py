"""The counts of one key, in memory that the gateways of one host share.

What is limited per minute and what has been used are common to all; the requests that run and the tokens held
for them are counted by each process in a cell of its own, so that they go when it does.
"""

import struct
from typing import NamedTuple

MAX_PROCESSES = 32
ID_CELLS = 4  # 32 characters
_BUCKETS, _BUDGETS = 4, 8  # cells where they begin
_LEVELS = struct.Struct("4d")  # of requests, when that was; of tokens, when that was
_SPENT = struct.Struct("6d")  # the day's number, tokens, engine seconds; the month's
_RUNNING = 16
_HELD = _RUNNING + MAX_PROCESSES
CELLS = _HELD + MAX_PROCESSES


class Spent(NamedTuple):
    """In a day or month."""

    tokens: float
    engine_s: float


class Row:
    """One key's cells. To change them takes the table's lock.

    Cells that belong together are read and written at once: one at a time they cost several times this.
    """

    __slots__ = (
        "_at",
        "_cells",
        "_held",
        "_is_alone",
        "_levels_at",
        "_own_held",
        "_own_running",
        "_running",
        "_spent_at",
    )

    def __init__(self, cells: "memoryview[float]", at: int, *, process: int, num_processes: int) -> None:
        self._cells, self._at = cells, at
        self._levels_at, self._spent_at = (at + _BUCKETS) * cells.itemsize, (at + _BUDGETS) * cells.itemsize
        running, held = at + _RUNNING, at + _HELD
        self._own_running, self._own_held = running + process, held + process
        self.widen(num_processes)

    def widen(self, num_processes: int) -> None:
        """Look at the cells of that many processes."""
        running, held = self._at + _RUNNING, self._at + _HELD
        self._running = slice(running, running + num_processes)
        self._held = slice(held, held + num_processes)
        self._is_alone = num_processes == 1

    @property
    def running(self) -> float:
        """Requests, in all processes."""
        return self._cells[self._own_running] if self._is_alone else sum(self._cells[self._running])

    @property
    def held(self) -> float:
        """Tokens, for requests that run in all processes."""
        return self._cells[self._own_held] if self._is_alone else sum(self._cells[self._held])

    def hold(self, *, running: int, tokens: float) -> None:
        """Count requests of this process, and tokens held for them, in or out."""
        self._cells[self._own_running] += running
        self._cells[self._own_held] += tokens

    def forget_own(self) -> None:
        """Nothing runs in this process."""
        self._cells[self._own_running] = self._cells[self._own_held] = 0.0

    def levels(self) -> tuple[float, float, float, float]:
        """What was in the bucket of requests, when that was; and of tokens."""
        return _LEVELS.unpack_from(self._cells, self._levels_at)

    def set_levels(self, requests: float, requests_s: float, tokens: float, tokens_s: float) -> None:
        _LEVELS.pack_into(self._cells, self._levels_at, requests, requests_s, tokens, tokens_s)

    def spent(self, day: int, month: int) -> tuple[float, float, float, float]:
        """The tokens and the engine seconds of the day, and those of the month."""
        of_day, tokens, engine_s, of_month, month_tokens, month_engine_s = _SPENT.unpack_from(
            self._cells, self._spent_at
        )
        if of_day != day:
            tokens = engine_s = 0.0
        if of_month != month:
            month_tokens = month_engine_s = 0.0
        return tokens, engine_s, month_tokens, month_engine_s

    def spend(self, day: int, month: int, used: Spent) -> None:
        """Count what a request has used in its day and month."""
        tokens, engine_s = used
        in_day, in_day_s, in_month, in_month_s = self.spent(day, month)
        cells = day, in_day + tokens, in_day_s + engine_s, month, in_month + tokens, in_month_s + engine_s
        _SPENT.pack_into(self._cells, self._spent_at, *cells)

    def raise_to(self, day: int, month: int, in_day: Spent, in_month: Spent) -> None:
        """At least so much has been used, as others know."""
        tokens, engine_s, month_tokens, month_engine_s = map(
            max, self.spent(day, month), (*in_day, *in_month)
        )
        cells = day, tokens, engine_s, month, month_tokens, month_engine_s
        _SPENT.pack_into(self._cells, self._spent_at, *cells)


NOTHING = Spent(0.0, 0.0)
