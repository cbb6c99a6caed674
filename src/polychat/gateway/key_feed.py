"""Tells a gateway of the keys in its database, and within two seconds of what becomes of them."""

import asyncio
import logging

from polychat.db.keys import Mark, StoredKeys
from polychat.errors import DatabaseUnavailable
from polychat.gateway.auth import Keys

LOOK_S = 1.0
FIRST_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class KeyFeed:
    """Looks at the table's mark, and reads only what is new."""

    def __init__(self, stored: StoredKeys, keys: Keys, *, look_s: float = LOOK_S) -> None:
        self._stored = stored
        self._keys = keys
        self._look_s = look_s
        self._seen: Mark | None = None
        self._is_cut_off = False

    async def load(self) -> None:
        """Before the first request. A database that is away then is looked for by `run`."""
        try:
            async with asyncio.timeout(FIRST_TIMEOUT_S):
                await self._look()
        except TimeoutError:
            log.error("the database did not tell its keys within %g s", FIRST_TIMEOUT_S)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            await self._look()

    async def _look(self) -> None:
        try:
            await self.refresh()
        except DatabaseUnavailable:
            if not self._is_cut_off:
                log.error("the keys in the database cannot be read; those that are known go on working")
            self._is_cut_off = True
        else:
            self._is_cut_off = False

    async def refresh(self) -> None:
        """Learn what has changed.

        Raises:
            DatabaseUnavailable: it cannot be read now.
        """
        mark, seen = await self._stored.mark(), self._seen
        if mark == seen:
            return
        is_new = seen is None or mark.count < seen.count or mark.updated_at < seen.updated_at
        if mark.count == 0:
            changed = []
        elif is_new or seen is None:
            changed = await self._stored.all()
        else:
            changed = await self._stored.changed_since(seen.updated_at)
        self._keys.learn(changed, is_all=is_new)
        self._seen = mark
