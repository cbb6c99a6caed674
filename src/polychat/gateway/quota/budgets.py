"""Tells a gateway what keys with a budget have used, through whichever gateway on whichever host."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from polychat.db.usage import Usage, Used, Wanted
from polychat.errors import DatabaseUnavailable
from polychat.gateway.caller import Caller
from polychat.gateway.quota.dates import Today
from polychat.gateway.quota.quota import Quota

LOOK_S = 2.0
FIRST_TIMEOUT_S = 5.0
OLD_DAYS_S = 60.0  # how long the sum of the month's earlier days is taken to be the same

log = logging.getLogger(__name__)


class Budgets:
    """Reads the sums of the day, and now and then those of the month's earlier days."""

    def __init__(
        self, quota: Quota, usage: Usage, callers: Callable[[], Iterable[Caller]], *, look_s: float = LOOK_S
    ) -> None:
        self._quota = quota
        self._usage = usage
        self._callers = callers
        self._look_s = look_s
        self._of: tuple[Today, frozenset[str]] | None = None
        self._earlier: dict[str, Used] = {}
        self._earlier_until_s = 0.0

    async def load(self) -> None:
        """Before the first request."""
        try:
            async with asyncio.timeout(FIRST_TIMEOUT_S):
                await self.refresh()
        except (TimeoutError, DatabaseUnavailable):
            log.error("what keys have used of their budgets is not known yet: the database is away")

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            self._quota.give_back()
            try:
                await self.refresh()
            except DatabaseUnavailable:  # has been logged
                continue

    async def refresh(self) -> None:
        """Learn the sums.

        Raises:
            DatabaseUnavailable: they cannot be read now.
        """
        key_ids = frozenset(each.key_id for each in self._callers() if each.allowance.has_budget)
        if not key_ids:
            return
        today, now_s = self._quota.calendar.today()
        if self._of != (today, key_ids) or now_s > self._earlier_until_s:
            self._earlier = await self._sums(key_ids, since_day=today.month_begins, until_day=today.yesterday)
            self._of, self._earlier_until_s = (today, key_ids), now_s + OLD_DAYS_S
        in_day = await self._sums(key_ids, since_day=today.day_name)
        in_month = {key_id: _plus(self._earlier.get(key_id), in_day.get(key_id)) for key_id in key_ids}
        self._quota.learn(today, in_day, in_month)

    async def _sums(
        self, key_ids: frozenset[str], *, since_day: str, until_day: str | None = None
    ) -> dict[str, Used]:
        wanted = Wanted(since_day=since_day, until_day=until_day, key_ids=sorted(key_ids))
        return {
            account.key_id: Used(sums.prompt_tokens + sums.completion_tokens, sums.engine_s)
            for account, sums in (await self._usage.totals(["key"], wanted)).items()
        }


def _plus(some: Used | None, more: Used | None) -> Used:
    some, more = some or Used(), more or Used()
    return Used(some.tokens + more.tokens, some.engine_s + more.engine_s)
