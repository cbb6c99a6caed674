"""One key's limits, held against its counts. Pure but for the row; changes take the table's lock."""

import math
from dataclasses import dataclass

from polychat.gateway.caller import Allowance, Caller
from polychat.gateway.quota import words
from polychat.gateway.quota.bucket import empty_s, level_at, wait_s
from polychat.gateway.quota.dates import Calendar, Today
from polychat.gateway.quota.row import Row, Spent


@dataclass(slots=True)
class Hold:
    """What a request that was let in may use, until it is settled."""

    meter: "Meter"
    rate_tokens: int  # in the bucket of tokens
    budget_tokens: int


class Meter:
    """Lets requests of one key pass, as long as its allowance stays what it is."""

    __slots__ = ("_budgets", "_name", "_requests", "_tokens", "allowance", "row")

    def __init__(self, row: Row, caller: Caller) -> None:
        self.row = row
        self.allowance = allowance = caller.allowance
        self._name = caller.name
        self._requests = allowance.requests_per_minute
        self._tokens = allowance.tokens_per_minute
        self._budgets = _budgets(allowance)

    @property
    def has_budget(self) -> bool:
        return bool(self._budgets)

    def take(self, need: int, want: int, calendar: Calendar, now_s: float) -> Hold:
        """Let a request pass that is to hold `want` tokens, of which its prompt needs `need`.

        Raises:
            RateLimited, BudgetSpent: a limit is reached.
        """
        self._require_place()
        budget_tokens = self._within_budget(need, want, *calendar.today()) if self._budgets else 0
        rate_tokens = self._fitting(need, want)
        row = self.row
        if self._requests or self._tokens:
            requests, tokens = self._levels(now_s)
            if self._requests:
                self._require("requests", self._requests, requests, 1)
            if self._tokens:
                self._require("tokens", self._tokens, tokens, rate_tokens)
            row.set_levels(requests + 1, now_s, tokens + rate_tokens, now_s)
        row.hold(running=1, tokens=budget_tokens)
        return Hold(self, rate_tokens, budget_tokens)

    def settle(self, hold: Hold, used: Spent, now_s: float, *, was_no_request: bool) -> None:
        """A request has ended: it pays per minute for what it used, and no more."""
        self.row.hold(running=-1, tokens=-hold.budget_tokens)
        if self._requests or self._tokens:
            requests, tokens = self._levels(now_s)
            requests -= was_no_request
            tokens += used.tokens - hold.rate_tokens
            self.row.set_levels(max(0.0, requests), now_s, max(0.0, tokens), now_s)

    def headers(self, now_s: float) -> words.Headers:
        """What is left now of each limit per minute."""
        told: words.Headers = []
        requests, tokens = self._levels(now_s)
        if limit := self._requests:
            told += words.headers(words.REQUESTS, limit, requests, empty_s(requests, limit))
        if limit := self._tokens:
            told += words.headers(words.TOKENS, limit, tokens, empty_s(tokens, limit))
        return told

    def _require_place(self) -> None:
        limit = self.allowance.concurrent
        if limit and (running := self.row.running) >= limit:
            reached = words.Reached(self._name, "concurrent requests", limit, running)
            raise words.rate_limited(reached, "requests", need=1, wait_s=words.RETRY_CONCURRENT_S)

    def _within_budget(self, need: int, want: int, today: Today, now_s: float) -> int:
        """The tokens to hold: what the request wants, if that much is left.

        Raises:
            BudgetSpent: not even its prompt fits.
        """
        held = self.row.held
        tokens, engine_s, month_tokens, month_engine_s = self.row.spent(today.day, today.month)
        used_of = tokens + held, month_tokens + held, engine_s, month_engine_s
        for kind, limit in self._budgets:
            used = used_of[kind]
            needed = need if kind in _OF_TOKENS else 0
            if used >= limit or used + needed > limit:
                reached = words.Reached(self._name, _WHAT[kind], limit, used)
                until_s = today.month_ends_s if kind in _OF_MONTH else today.ends_s
                raise words.budget_spent(reached, now_s=now_s, until_s=until_s)
            if needed:
                want = min(want, int(limit - used))
        return want

    def _fitting(self, need: int, want: int) -> int:
        """The tokens to hold in the bucket, which never holds more than its limit at once."""
        limit = self._tokens
        if limit and need > limit:
            raise words.too_large(self._name, limit=limit, need=need)
        return want if want < limit else limit

    def _levels(self, now_s: float) -> tuple[float, float]:
        """What is in the buckets of requests and of tokens. One without a limit keeps nothing."""
        requests, requests_s, tokens, tokens_s = self.row.levels()
        return (
            level_at(requests, requests_s, now_s, self._requests) if self._requests else 0.0,
            level_at(tokens, tokens_s, now_s, self._tokens) if self._tokens else 0.0,
        )

    def _require(self, what: str, limit: int, level: float, need: int) -> None:
        """Raises RateLimited if `need` does not fit into a bucket now."""
        if wait := wait_s(level, need, limit):
            reached = words.Reached(self._name, f"{what} per min", limit, math.ceil(level))
            raise words.rate_limited(reached, what, need=need, wait_s=wait)


_WHAT = ("tokens per day", "tokens per month", "GPU seconds per day", "GPU seconds per month")
_OF_TOKENS, _OF_MONTH = (0, 1), (1, 3)  # places in _WHAT


def _budgets(allowance: Allowance) -> tuple[tuple[int, float], ...]:
    """Those that there are, each by its place in _WHAT."""
    limits = (
        allowance.tokens_per_day,
        allowance.tokens_per_month,
        allowance.gpu_s_per_day,
        allowance.gpu_s_per_month,
    )
    return tuple((kind, limit) for kind, limit in enumerate(limits) if limit)
