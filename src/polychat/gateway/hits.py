"""Tells the controller how much of the prompts at each replica was in its KV cache, for `polychat status`."""

import asyncio
import logging
import secrets

import httpx
import msgspec

from polychat.routing.hits import Told
from polychat.routing.router import Router
from polychat.tls import trusted

log = logging.getLogger(__name__)

EVERY_S = 2.0


class HitReporter:
    """Sends all counts each time: a controller that was away, or is a new one, knows them soon."""

    def __init__(self, url: str, router: Router, *, token: str = "") -> None:
        self._url = url.rstrip("/")
        self._router = router
        self._id = secrets.token_hex(8)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    async def run(self) -> None:
        """For as long as the task is not cancelled."""
        verify = trusted() if self._url.startswith("https:") else False
        async with httpx.AsyncClient(
            trust_env=False, timeout=5.0, headers=self._headers, verify=verify
        ) as http:
            while True:
                await asyncio.sleep(EVERY_S)
                if hits := self._router.hits():
                    await self._tell(http, msgspec.json.encode(Told(self._id, hits)))

    async def _tell(self, http: httpx.AsyncClient, counts: bytes) -> None:
        try:
            await http.post(f"{self._url}/hits", content=counts)
        # httpx asks uvloop for the socket of a connection that was reset at once, and gets none.
        except (httpx.HTTPError, AttributeError) as exc:
            log.debug("the controller was not told of cache hits: %s", exc)
