"""The worker's line to the controller: says who it is, what changes, and every second how loaded it is."""

import asyncio
import logging
from dataclasses import replace

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from polychat.errors import SetupError
from polychat.routing import feed
from polychat.routing.replica import Replica
from polychat.types import Load

log = logging.getLogger(__name__)

RETRY_S = 0.5
CONNECT_TIMEOUT_S = 3.0


class Link:
    """Keeps one replica known to the controller at `address`, through its restarts."""

    def __init__(self, address: str, *, token: str = "") -> None:
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._replica: Replica | None = None
        self._is_announced = False  # the controller knows this version of it
        self._news = asyncio.Event()
        self._told = asyncio.Event()
        self._was_welcome = False
        self._complained = False

    def announce(self, replica: Replica) -> None:
        """Tell the controller this, now and after each reconnection."""
        self._replica = replica
        self._is_announced = False
        self._told.clear()
        self._news.set()

    def report(self, load: Load) -> None:
        """Tell the controller the load."""
        if self._replica is not None:
            self._replica = replace(self._replica, load=load)
            self._news.set()

    async def until_told(self, *, timeout_s: float) -> bool:
        """Wait until the last announcement has been sent. False when that takes too long."""
        try:
            await asyncio.wait_for(self._told.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Hold the line for ever.

        Raises:
            SetupError: what answers there refuses us, or is no controller.
        """
        await self._news.wait()  # nothing to say before
        while True:
            try:
                await self._session()
            except InvalidStatus as exc:
                self._refused(exc.response.status_code)
            except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, msgspec.MsgspecError) as exc:
                self._complain(exc)
            except InvalidURI as exc:
                raise SetupError(f"{self._address!r} is no address of a controller: {exc}") from exc
            await asyncio.sleep(RETRY_S)

    async def _session(self) -> None:
        async with connect(
            "ws" + self._address.removeprefix("http") + "/workers",
            additional_headers=self._headers,
            open_timeout=CONNECT_TIMEOUT_S,
            close_timeout=0.5,
            ping_interval=None,  # reports go one way and welcome the other; silence is noticed by both ends
            compression=None,
            proxy=None,
        ) as websocket:
            await self._announce_to(websocket)
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                feed.decode_welcome(await websocket.recv())
            self._welcomed()
            await self._talk(websocket)

    async def _talk(self, websocket: ClientConnection) -> None:
        """Send what is new, or the load when a second has passed without news, until the line breaks."""
        closed = asyncio.ensure_future(websocket.wait_closed())
        try:
            while not closed.done():
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait({news, closed}, timeout=feed.BEAT_S, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                self._news.clear()
                await self._tell(websocket)
        finally:
            closed.cancel()

    async def _tell(self, websocket: ClientConnection) -> None:
        assert self._replica is not None, "set before the first word"
        if not self._is_announced:
            await self._announce_to(websocket)
        else:
            report = feed.ReportLoad(self._replica.id, self._replica.load)
            await websocket.send(feed.encode(report), text=True)

    async def _announce_to(self, websocket: ClientConnection) -> None:
        assert self._replica is not None, "set before the first word"
        self._is_announced = True
        await websocket.send(feed.encode(feed.Announce(self._replica)), text=True)
        self._told.set()

    def _welcomed(self) -> None:
        log.info("registered with the controller at %s", self._address)
        self._was_welcome, self._complained = True, False

    def _refused(self, status: int) -> None:
        if status == 401:
            why = "wants its token: give --token or POLYCHAT_TOKEN the value it was started with"
        else:
            why = f"answered {status}: is it a polychat controller?"
        if not self._was_welcome and status < 500:
            raise SetupError(f"the controller at {self._address} {why}")
        self._complain(f"it {why}")

    def _complain(self, why: object) -> None:
        """Once for each time that it is away."""
        if not self._complained:
            self._complained = True
            log.warning("waiting for the controller at %s (%s)", self._address, why or type(why).__name__)
