"""The limits of keys, enforced before a request is sent anywhere and corrected when it has ended."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from polychat.db.usage import Used
from polychat.engines.base import RequestView
from polychat.gateway.caller import UNLIMITED, Allowance, Caller
from polychat.gateway.journey import Outcome, Record
from polychat.gateway.quota import words
from polychat.gateway.quota.bucket import empty_s, wait_s
from polychat.gateway.quota.dates import Calendar, Today
from polychat.gateway.quota.estimate import answer_tokens, prompt_tokens
from polychat.gateway.quota.row import Kind, Row, Spent
from polychat.gateway.quota.table import Table

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Hold:
    """What a request that was let in may use, until it is settled."""

    row: Row
    rate_tokens: int  # in the bucket of tokens
    budget_tokens: int


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

    def reserve(self, caller: Caller, view: RequestView, *, size_bytes: int) -> Hold | None:
        """Let a request of `size_bytes` pass, and hold the tokens that it may use. None: nothing is limited.

        Raises:
            RateLimited, BudgetSpent: a limit of the key is reached.
        """
        if caller.allowance is UNLIMITED or caller.allowance == UNLIMITED:
            return None
        table = self._table
        with table.lock:
            return self._reserve(table.row(caller.key_id), caller, view, prompt_tokens(size_bytes))

    def settle(self, hold: Hold | None, record: Record) -> None:
        """The request has ended: it pays for what it used, and no more."""
        if hold is None:
            return
        used = _used(record)
        with self._table.lock:
            row, allowance = hold.row, record.caller.allowance
            row.hold(running=-1, tokens=-hold.budget_tokens)
            now_s = self._clock_s()
            if record.outcome is Outcome.REFUSED and not record.attempts:
                _pour(row, Kind.REQUESTS, allowance.requests_per_minute, -1, now_s)
            _pour(row, Kind.TOKENS, allowance.tokens_per_minute, used.tokens - hold.rate_tokens, now_s)
            if allowance.has_budget:
                today, _ = self._calendar.today()
                row.spend(today.day, today.month, used)

    def headers(self, caller: Caller) -> words.Headers:
        """The x-ratelimit-* headers of an answer to the caller, as things are now."""
        allowance = caller.allowance
        limits = (
            (Kind.REQUESTS, "requests", allowance.requests_per_minute),
            (Kind.TOKENS, "tokens", allowance.tokens_per_minute),
        )
        if not (limits[0][2] or limits[1][2]):
            return []
        row = self._table.known(caller.key_id)
        now_s, told = self._clock_s(), []
        for kind, name, limit in limits:
            if limit:
                level = row.level(kind, limit, now_s)
                told += words.headers(name, limit, level, empty_s(level, limit))
        return told

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

    def _reserve(self, row: Row, caller: Caller, view: RequestView, need: int) -> Hold:
        allowance = caller.allowance
        _require_place(row, caller)
        want = need + answer_tokens(view)
        budget_tokens = self._within_budget(row, caller, need, want) if allowance.has_budget else 0
        now_s = self._clock_s()
        rate_tokens = _fitting(caller, need, want)
        requests = _level(row, Kind.REQUESTS, caller, 1, now_s)
        tokens = _level(row, Kind.TOKENS, caller, rate_tokens, now_s)
        if allowance.requests_per_minute:
            row.set_level(Kind.REQUESTS, requests + 1, now_s)
        if allowance.tokens_per_minute:
            row.set_level(Kind.TOKENS, tokens + rate_tokens, now_s)
        row.hold(running=1, tokens=budget_tokens)
        return Hold(row, rate_tokens, budget_tokens)

    def _within_budget(self, row: Row, caller: Caller, need: int, want: int) -> int:
        """The tokens to hold: what the request wants, if that much is left.

        Raises:
            BudgetSpent: not even its prompt fits.
        """
        today, now_s = self._calendar.today()
        day, month, allowance = row.spent_in_day(today.day), row.spent_in_month(today.month), caller.allowance
        held = row.held
        for limit, used, needed, what, until_s in (
            (allowance.tokens_per_day, day.tokens + held, need, "tokens per day", today.ends_s),
            (allowance.tokens_per_month, month.tokens + held, need, "tokens per month", today.month_ends_s),
            (allowance.gpu_s_per_day, day.engine_s, 0, "GPU seconds per day", today.ends_s),
            (allowance.gpu_s_per_month, month.engine_s, 0, "GPU seconds per month", today.month_ends_s),
        ):
            if limit and (used >= limit or used + needed > limit):
                reached = words.Reached(caller.name, what, limit, used)
                raise words.budget_spent(reached, now_s=now_s, until_s=until_s)
            if limit and needed:
                want = min(want, int(limit - used))
        return want


def _used(record: Record) -> Spent:
    if record.outcome is Outcome.REFUSED:
        return Spent(0.0, 0.0)
    usage = record.usage
    tokens = 0 if usage is None else usage.prompt_tokens + usage.completion_tokens
    return Spent(tokens, record.engine_s)


def _require_place(row: Row, caller: Caller) -> None:
    limit = caller.allowance.concurrent
    if limit and (running := row.running) >= limit:
        reached = words.Reached(caller.name, "concurrent requests", limit, running)
        raise words.rate_limited(reached, "requests", need=1, wait_s=words.RETRY_CONCURRENT_S)


def _fitting(caller: Caller, need: int, want: int) -> int:
    """The tokens to hold in the bucket, which never holds more than its limit at once."""
    limit = caller.allowance.tokens_per_minute
    if limit and need > limit:
        raise words.too_large(caller.name, limit=limit, need=need)
    return min(want, limit)


def _level(row: Row, kind: Kind, caller: Caller, need: int, now_s: float) -> float:
    """What is in the bucket, if `need` fits into it.

    Raises:
        RateLimited: not now.
    """
    limit = _per_minute(caller.allowance, kind)
    if not limit:
        return 0.0
    level = row.level(kind, limit, now_s)
    if wait := wait_s(level, need, limit):
        name = "requests" if kind is Kind.REQUESTS else "tokens"
        reached = words.Reached(caller.name, f"{name} per min", limit, math.ceil(level))
        raise words.rate_limited(reached, name, need=need, wait_s=wait)
    return level


def _per_minute(allowance: Allowance, kind: Kind) -> int:
    return allowance.requests_per_minute if kind is Kind.REQUESTS else allowance.tokens_per_minute


def _pour(row: Row, kind: Kind, limit: int, amount: float, now_s: float) -> None:
    """Put what a request used beyond its estimate into a bucket, or take out what it did not."""
    if limit and amount:
        row.set_level(kind, max(0.0, row.level(kind, limit, now_s) + amount), now_s)
