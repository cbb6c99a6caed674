"""The worker's line to the controller: says who it is, what changes, and how loaded it is."""

import asyncio
import logging
from dataclasses import replace

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from polychat.errors import SetupError
from polychat.routing import feed
from polychat.routing.replica import Replica
from polychat.types import Load

log = logging.getLogger(__name__)

RETRY_S = 0.5
CONNECT_TIMEOUT_S = 3.0


class Link:
    """Keeps replicas known to the controller at `address`, through its restarts."""

    def __init__(self, address: str, *, token: str = "", deaf_after_s: float = feed.LOST_AFTER_S) -> None:
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._deaf_after_s = deaf_after_s
        self._replicas: dict[str, Replica] = {}  # by id
        self._untold: dict[str, feed.FromWorker] = {}  # by a replica's id: the last news of it
        self._news = asyncio.Event()
        self._told = asyncio.Event()
        self._was_welcome = False
        self._complained = False

    def announce(self, replica: Replica) -> None:
        """Tell the controller this, now and after each reconnection."""
        self._replicas[replica.id] = replica
        self._tell_soon(replica.id, feed.Announce(replica))

    def withdraw(self, replica_id: str) -> None:
        """Tell the controller that this replica is no more."""
        if self._replicas.pop(replica_id, None) is not None:
            self._tell_soon(replica_id, feed.Withdraw(replica_id))

    def report(self, replica_id: str, load: Load) -> None:
        """Tell the controller the load of a replica that has been announced."""
        known = self._replicas.get(replica_id)
        if known is None:
            return
        replica = self._replicas[replica_id] = replace(known, load=load)
        is_announcement = isinstance(self._untold.get(replica_id), feed.Announce)
        news = feed.Announce(replica) if is_announcement else feed.ReportLoad(replica_id, load)
        self._untold[replica_id] = news
        self._news.set()

    async def until_told(self, *, timeout_s: float) -> bool:
        """Wait until all announcements have been sent. False when that takes too long."""
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
            except ConnectionClosedError as exc:
                self._closed(exc)
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
            ping_interval=None,  # beats go both ways
            compression=None,
            proxy=None,
        ) as websocket:
            self._untold = {id_: feed.Announce(replica) for id_, replica in self._replicas.items()}
            await self._tell(websocket)
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                feed.decode_welcome(await websocket.recv())
            self._welcomed()
            await self._talk(websocket)

    async def _talk(self, websocket: ClientConnection) -> None:
        """Send what is new, or a beat when there is none, until the line breaks or nothing comes back."""
        deaf = asyncio.ensure_future(_until_silent(websocket, self._deaf_after_s))
        try:
            while not deaf.done():
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait({news, deaf}, timeout=feed.BEAT_S, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                self._news.clear()
                await self._tell(websocket)
            deaf.result()
        finally:
            deaf.cancel()

    async def _tell(self, websocket: ClientConnection) -> None:
        """Send what is untold, or a beat."""
        messages, self._untold = self._untold, {}
        for message in messages.values() or (feed.Beat(),):
            await websocket.send(feed.encode(message), text=True)
        if not self._untold:
            self._told.set()

    def _tell_soon(self, replica_id: str, news: feed.FromWorker) -> None:
        self._untold[replica_id] = news
        self._told.clear()
        self._news.set()

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

    def _closed(self, exc: ConnectionClosedError) -> None:
        """The line broke; told with a reason when the controller does not let us say what we say."""
        if exc.rcvd is None or exc.rcvd.code != feed.REFUSED:
            self._complain(exc)
        elif self._was_welcome:
            self._complain(f"it refuses us: {exc.rcvd.reason}")
        else:
            raise SetupError(f"the controller at {self._address} refuses this worker: {exc.rcvd.reason}")

    def _complain(self, why: object) -> None:
        """Once for each time that it is away."""
        if not self._complained:
            self._complained = True
            log.warning("waiting for the controller at %s (%s)", self._address, why or type(why).__name__)


async def _until_silent(websocket: ClientConnection, deaf_after_s: float) -> None:
    """Read the controller's beats until none comes, counted in turns: a worker that slept has missed none.

    Raises:
        ConnectionClosed: it has closed the line.
    """
    missed = 0
    while missed * feed.BEAT_S < deaf_after_s:
        try:
            async with asyncio.timeout(feed.BEAT_S):
                await websocket.recv()
            missed = 0
        except TimeoutError:
            missed += 1
    raise TimeoutError(f"it has said nothing for {deaf_after_s:g} s")
