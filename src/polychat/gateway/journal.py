"""Keeps the account of every call in the database: behind the requests, in batches that count once.

Until the database has taken a batch it stays as it is and is sent again: whether a commit whose answer never
came was made is for the database to know. What comes meanwhile is summed up in the next one, so that memory
grows with keys and models and not with requests.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

from polychat.db.usage import Account, Batch, Sums, Usage
from polychat.errors import DatabaseUnavailable
from polychat.gateway.journey import Record
from polychat.gateway.spool import Spool

log = logging.getLogger(__name__)

FLUSH_S = 0.5  # what is younger is lost when the process is killed
CLOSE_S = 3.0  # the database may take that long at the end
KEEP_MARKS_S = 90 * 86_400.0  # of writers, against batches that come twice
_MAX_MODEL = 255  # characters, as the table has it
_DAY_S = 86_400

_Key = tuple[str, str, str, str, str]


class Journal:
    """The account of one gateway: one writer."""

    def __init__(
        self,
        usage: Usage,
        spool: Spool,
        is_model: Callable[[str], bool],
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`is_model`: whether there is a model of that name. Clients may ask for any name under the sun."""
        self._usage = usage
        self._spool = spool
        self._is_model = is_model
        self._now_s = now_s
        self._writer = secrets.token_hex(16)
        self._number = 0
        self._open: dict[_Key, list[float]] = {}
        self._sending: Batch | None = None
        self._flushing = asyncio.Lock()
        self._has_work = asyncio.Event()
        self._day, self._day_ends_s = "", 0.0
        self._forgot_s: float | None = None
        self._is_spool_broken = False

    def note(self, record: Record) -> None:
        """Count a call that has ended. An `Observer`."""
        is_known = record.attempts or self._is_model(record.model)
        key = (
            self._today(),
            record.caller.key_id,
            record.model[:_MAX_MODEL] if is_known else "",
            record.endpoint.value,
            record.outcome.value,
        )
        sums = self._open.get(key)
        if sums is None:
            sums = self._open[key] = [0, 0, 0, 0, 0, 0.0, 0.0, 0.0]
            self._has_work.set()
        sums[0] += 1
        if (used := record.usage) is not None:
            sums[1] += used.prompt_tokens
            sums[2] += used.cached_tokens
            sums[3] += used.completion_tokens
        if record.ttft_s is not None:
            sums[4] += 1
            sums[5] += record.ttft_s
        sums[6] += record.duration_s
        sums[7] += record.engine_s

    async def run(self) -> None:
        """Write what is noted, for as long as the task is not cancelled."""
        if self._spool.files():
            self._has_work.set()
        while True:
            await self._has_work.wait()
            await asyncio.sleep(FLUSH_S)
            self._has_work.clear()
            try:
                await self.flush()
                await self.take_in()
                await self._forget()
            except DatabaseUnavailable:  # has been logged
                self._has_work.set()

    async def flush(self) -> None:
        """Write all that has been noted.

        Raises:
            DatabaseUnavailable: the database did not take it; it is kept.
        """
        async with self._flushing:
            while batch := self._next():
                await self._usage.add(batch, now_s=self._now_s())
                self._sending = None

    async def take_in(self) -> None:
        """Count what earlier gateways could not.

        Raises:
            DatabaseUnavailable: neither can this one, now.
        """
        try:
            for path in () if self._is_spool_broken else self._spool.files():
                for batch in self._spool.batches(path):
                    await self._usage.add(batch, now_s=self._now_s())
                path.unlink(missing_ok=True)
                log.info("took in the usage in %s", path)
        except OSError as exc:
            self._is_spool_broken = True
            log.error("cannot take in usage that an earlier gateway left: %s", exc)

    async def close(self, *, timeout_s: float = CLOSE_S) -> None:
        """Write all that has been noted, into a file if the database does not take it."""
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.flush()
        left = [batch for batch in (self._next(), self._frozen()) if batch is not None]
        if not left:
            return
        try:
            log.warning("the database did not take the last usage; it is in %s", self._spool.keep(left))
        except OSError as exc:
            log.error("the last usage is lost: neither the database nor %s takes it", exc.filename or exc)

    def _next(self) -> Batch | None:
        """What must be sent next: what has been sent before, if nobody knows that it arrived."""
        if self._sending is None:
            self._sending = self._frozen()
        return self._sending

    def _frozen(self) -> Batch | None:
        """What has been noted since the last batch, as one that changes no more."""
        if not self._open:
            return None
        self._number += 1
        noted, self._open = self._open, {}
        return Batch(self._writer, self._number, {Account(*key): _sums(each) for key, each in noted.items()})

    async def _forget(self) -> None:
        now_s = self._now_s()
        if self._forgot_s is None or now_s - self._forgot_s > _DAY_S:
            await self._usage.forget_writers(before_s=now_s - KEEP_MARKS_S)
            self._forgot_s = now_s

    def _today(self) -> str:
        now_s = self._now_s()
        if not self._day_ends_s - _DAY_S <= now_s < self._day_ends_s:  # clocks jump, too
            self._day = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d")
            self._day_ends_s = (now_s // _DAY_S + 1) * _DAY_S
        return self._day


def _sums(noted: list[float]) -> Sums:
    requests, prompt, cached, completion, num_ttft = (int(count) for count in noted[:5])
    return Sums(requests, prompt, cached, completion, num_ttft, *noted[5:])
