"""Keeps the gateway's copy of the registry in step with the controller, for as long as the gateway runs."""

import asyncio
import logging
from collections.abc import Callable

import httpx
import msgspec

from polychat.routing import feed
from polychat.routing.registry import Registry
from polychat.tls import trusted

log = logging.getLogger(__name__)

RETRY_S = 0.5


class ControllerLink:
    """Follows the controller's watch stream; while it is away, the gateway goes on with what it knows."""

    def __init__(
        self,
        url: str,
        registry: Registry,
        *,
        token: str = "",
        on_change: Callable[[feed.ToGateway], None] = lambda _: None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`on_change` gets each message that says something new; `transport` replaces the network."""
        self.url = url.rstrip("/")
        self.is_connected = False
        self._follower = feed.Follower(registry)
        self._on_change = on_change
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._last_trouble = ""
        self._transport = transport

    async def run(self) -> None:
        """Follow for ever, connecting again RETRY_S after each loss."""
        timeout = httpx.Timeout(feed.DEAF_AFTER_S)
        http = httpx.AsyncClient(
            trust_env=False,  # a company's proxy does not know the way to the controller
            timeout=timeout,
            headers=self._headers,
            transport=self._transport,
            # Loading certificates takes memory that plain HTTP can do without.
            verify=trusted() if self.url.startswith("https:") else False,
        )
        async with http:
            while True:
                try:
                    await self._follow(http)
                    trouble = "it ended the watch"
                except httpx.HTTPStatusError as exc:
                    trouble = _refusal(exc.response.status_code)
                # httpx asks uvloop for the socket of a connection that was reset at once, and gets none.
                except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, AttributeError) as exc:
                    trouble = str(exc) or type(exc).__name__
                self._report(trouble)
                await asyncio.sleep(RETRY_S)

    async def _follow(self, http: httpx.AsyncClient) -> None:
        async with http.stream("GET", f"{self.url}/watch") as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                self._take(feed.decode_to_gateway(line))

    def _take(self, message: feed.ToGateway) -> None:
        self._follower.apply(message, now_s=asyncio.get_running_loop().time())
        if not self.is_connected:
            log.info("following the controller at %s", self.url)
            self.is_connected, self._last_trouble = True, ""
        if not isinstance(message, feed.Beat):
            self._on_change(message)

    def _report(self, trouble: str) -> None:
        """Say once what is wrong, not every half second."""
        if self.is_connected or trouble != self._last_trouble:
            log.warning("no contact with the controller at %s (%s); trying again", self.url, trouble)
        self.is_connected, self._last_trouble = False, trouble


def _refusal(status: int) -> str:
    if status == 401:
        return "it wants its token: give --token or POLYCHAT_TOKEN the value it was started with"
    return f"it answered with status {status}; is this the address of a polychat controller?"
