"""The limits of keys, enforced before a request is sent anywhere and corrected when it has ended."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from polychat.db.usage import Used
from polychat.engines.base import RequestView
from polychat.gateway.caller import UNLIMITED, Caller
from polychat.gateway.journey import Outcome, Record
from polychat.gateway.quota import words
from polychat.gateway.quota.dates import Calendar, Today
from polychat.gateway.quota.estimate import answer_tokens, prompt_tokens
from polychat.gateway.quota.meter import Hold, Meter
from polychat.gateway.quota.row import NOTHING, Spent
from polychat.gateway.quota.table import Table

log = logging.getLogger(__name__)


class Quota:
    """The limits of keys, for all gateways of this host that share `folder`."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """`clock_s` must be the same for all processes of the host, as Linux's monotonic clock is."""
        self._folder = folder
        self._clock_s = clock_s
        self._calendar = Calendar(wall_s)
        self._opened: Table | None = None
        self._meters: dict[str, Meter] = {}

    def reserve(self, caller: Caller, view: RequestView, *, size_bytes: int) -> Hold | None:
        """Let a request of `size_bytes` pass, and hold the tokens that it may use. None: nothing is limited.

        Raises:
            RateLimited, BudgetSpent: a limit of the key is reached.
        """
        if caller.allowance is UNLIMITED:
            return None
        need = prompt_tokens(size_bytes)
        want = need + answer_tokens(view)
        with self._table.lock:
            return self._meter(caller).take(need, want, self._calendar, self._clock_s())

    def settle(self, hold: Hold | None, record: Record) -> None:
        """The request has ended: it pays for what it used, and no more."""
        if hold is None:
            return
        is_refused = record.outcome is Outcome.REFUSED
        used = NOTHING if is_refused else _used(record)
        meter, was_no_request = hold.meter, is_refused and not record.attempts
        with self._table.lock:
            meter.settle(hold, used, self._clock_s(), was_no_request=was_no_request)
            if meter.has_budget and used is not NOTHING:
                today, _ = self._calendar.today()
                meter.row.spend(today.day, today.month, used)

    def headers(self, caller: Caller) -> words.Headers:
        """The x-ratelimit-* headers of an answer to the caller, as things are now."""
        allowance = caller.allowance
        if not (allowance.requests_per_minute or allowance.tokens_per_minute):
            return []
        meter = self._meters.get(caller.key_id)
        if meter is None or meter.allowance is not allowance:
            with self._table.lock:
                meter = self._meter(caller)
        return meter.headers(self._clock_s())

    def learn(self, today: Today, in_day: Mapping[str, Used], in_month: Mapping[str, Used]) -> None:
        """What keys have used at least, as the database knows from all hosts."""
        with self._table.lock:
            for key_id, month in in_month.items():
                day = in_day.get(key_id, Used())
                spent = Spent(day.tokens, day.engine_s), Spent(month.tokens, month.engine_s)
                self._table.row(key_id).raise_to(today.day, today.month, *spent)

    @property
    def calendar(self) -> Calendar:
        return self._calendar

    def give_back(self) -> None:
        """Clear what gateways of this host that have died left running."""
        if self._opened is not None and (num := self._opened.give_back()):
            log.info("gave back the requests of %d gateways that have died", num)

    def close(self) -> None:
        """Give back what is counted for this gateway."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _table(self) -> Table:
        """Opened for the first key that has a limit."""
        if self._opened is None:
            try:
                self._opened = Table.private() if self._folder is None else Table.shared(self._folder)
            except OSError as exc:
                log.error("limits hold for this gateway alone: %s cannot be used (%s)", self._folder, exc)
                self._opened = Table.private()
        return self._opened

    def _meter(self, caller: Caller) -> Meter:
        """The caller's, made anew when its limits have changed. Takes the lock to be held."""
        row = self._table.row(caller.key_id)
        meter = self._meters.get(caller.key_id)
        if meter is None or meter.allowance is not caller.allowance:
            meter = self._meters[caller.key_id] = Meter(row, caller)
        return meter


def _used(record: Record) -> Spent:
    usage = record.usage
    return Spent(0 if usage is None else usage.prompt_tokens + usage.completion_tokens, record.engine_s)
