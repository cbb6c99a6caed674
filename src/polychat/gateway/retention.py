"""Deletes stored responses once they are as old as this gateway was told to keep them."""

import asyncio
import logging

from polychat.errors import DatabaseUnavailable
from polychat.gateway.state import Gateway

LOOK_EVERY_S = 60.0
FORGET_EVERY_S = 3600.0

log = logging.getLogger(__name__)


async def run(gateway: Gateway) -> None:
    """Look after the database once something has opened it: it is not worth opening for this."""
    loop = asyncio.get_running_loop()
    last_s: float | None = None
    while days := gateway.settings.keep_responses_days:
        await asyncio.sleep(LOOK_EVERY_S)
        if gateway.database.is_open and (last_s is None or loop.time() - last_s >= FORGET_EVERY_S):
            last_s = loop.time()
            try:
                count = await gateway.responses.forget(older_than_days=days)
            except DatabaseUnavailable:  # has been logged
                continue
            if count:
                log.info("deleted %d stored responses older than %d days", count, days)
