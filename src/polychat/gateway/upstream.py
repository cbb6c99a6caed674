"""A lean HTTP/1.1 client for one job: POST a body to a replica and hand back the answer's bytes as they come.

`Upstream.post` takes an idle connection to the replica, or opens one, and returns a `Response`; leaving the
response's `with` block puts the connection back, or closes it if the answer was not read to its end. Closing
it is how an engine learns that nobody waits for the answer any more.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from msgspec import Struct

from polychat import listen
from polychat.gateway.wire import Connection, Response, UpstreamSilent, UpstreamStale, UpstreamUnreachable
from polychat.routing.replica import Replica, ReplicaState
from polychat.tls import trusted

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
IDLE_S = 2.0  # engines hold a thread for each idle connection, and close it after 5 s
TLS_IDLE_S = 30.0  # a provider far away is dear to connect to, and holds connections for long
SILENCE_TIMEOUT_S = 1800.0  # a replica that owes an answer and sends nothing for so long is stuck
GONE_SILENCE_S = 5.0  # the same for a replica that has left the registry
UNWELL_SILENCE_S = 10.0  # and for one whose worker, or whose engine, has not been heard of for so long
CUT_OFF_AFTER_S = 10.0  # a replica's machine that acknowledges nothing for so long is out of reach
SWEEP_S = 0.5
_WELL = (ReplicaState.READY, ReplicaState.DRAINING)
_TLS_PORT = 443
VIA = "x-polychat-via"  # which gateways a request has come through
_OUR_NAME = (("user-agent", "polychat"),)


class Labels(Struct, frozen=True):
    """What a request's headers say, besides its size."""

    secret: str = ""  # the engine's bearer key
    request_id: str = ""
    content_type: str = "application/json"  # of the body
    more: tuple[tuple[str, str], ...] = ()  # other headers: (name, value)

    def __repr__(self) -> str:
        return f"Labels({self.request_id!r}, {self.content_type!r})"  # the rest is not for logs


def labels_for(
    replica: Replica,
    request_id: str,
    *,
    content_type: str = "application/json",
    via: str = "",
    traceparent: str = "",
) -> Labels:
    """The headers that a replica wants. A server outside is told who asks: some refuse who does not say."""
    more = () if replica.outside is None else (*_OUR_NAME, (VIA, via), *replica.outside.headers)
    if traceparent:
        more += (("traceparent", traceparent),)
    return Labels(replica.secret, request_id, content_type, more)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a replica listens, taken from its base URL."""

    host: str
    port: int
    is_tls: bool
    prefix: str  # of every path there; usually empty

    @classmethod
    def of(cls, url: str) -> "Address":
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        return cls(
            parts.hostname or "localhost",
            parts.port or (_TLS_PORT if is_tls else 80),
            is_tls,
            parts.path.rstrip("/"),
        )

    def head(self, path: str, labels: Labels, *, size_bytes: int) -> bytes:
        """A POST request up to its body."""
        more = "".join([f"{name}: {value}\r\n" for name, value in labels.more])
        authorization = f"authorization: Bearer {labels.secret}\r\n" if labels.secret else ""
        return (
            f"POST {self.prefix}{path} HTTP/1.1\r\nhost: {self._host}\r\n{authorization}{more}"
            f"content-type: {labels.content_type}\r\nx-request-id: {labels.request_id}\r\n"
            f"content-length: {size_bytes}\r\n\r\n"
        ).encode("latin-1")

    @property
    def _host(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.is_tls and self.port == _TLS_PORT else f"{host}:{self.port}"


class Pool:
    """The connections to one replica: the last one put back is the first one taken."""

    def __init__(self, url: str) -> None:
        self.address = Address.of(url)
        self.idle: list[Connection] = []
        self.busy: set[Connection] = set()
        self.well_s = math.inf  # when the replica was last known to be well

    def take(self) -> Connection | None:
        """An idle connection that the replica has not closed."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open:
                self.busy.add(connection)
                return connection
        return None

    async def connect(self, timeout_s: float) -> Connection:
        """A new connection.

        Raises:
            UpstreamUnreachable: nothing listens there, or it does not answer in time.
        """
        loop = asyncio.get_running_loop()
        address = self.address
        context = trusted() if address.is_tls else None
        try:
            async with asyncio.timeout(timeout_s):
                transport, connection = await loop.create_connection(
                    lambda: Connection(on_free=self._put_back, on_lost=self._forget),
                    address.host,
                    address.port,
                    ssl=context,
                )
        except OSError as exc:  # TimeoutError and ssl.SSLError are OSErrors
            raise UpstreamUnreachable(str(exc) or f"no connection in {timeout_s:g} s") from exc
        listen.notice_loss(transport.get_extra_info("socket"), within_s=CUT_OFF_AFTER_S)
        self.busy.add(connection)
        return connection

    def sweep(self, now_s: float, *, silence_s: float) -> None:
        """Close what has been idle for long, and fail what has been silent for long."""
        idle_s = TLS_IDLE_S if self.address.is_tls else IDLE_S
        while self.idle and now_s - self.idle[0].heard_s > idle_s:
            self.idle.pop(0).close()
        for connection in tuple(self.busy):
            if not connection.waits_for_replica:
                continue
            if now_s - connection.heard_s > silence_s:
                connection.fail(UpstreamSilent(f"nothing came for {silence_s:g} s"))
            elif connection.first_byte_due_s < now_s:
                connection.fail(UpstreamSilent("its answer did not begin in time"))

    def close(self) -> None:
        for connection in (*self.idle, *self.busy):
            connection.close()

    def _put_back(self, connection: Connection) -> None:
        self.busy.discard(connection)
        self.idle.append(connection)

    def _forget(self, connection: Connection) -> None:
        self.busy.discard(connection)
        with contextlib.suppress(ValueError):
            self.idle.remove(connection)


class Upstream:
    """Every connection of this gateway to replicas, pooled by base URL."""

    def __init__(
        self,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        silence_timeout_s: float = SILENCE_TIMEOUT_S,
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._silence_timeout_s = silence_timeout_s
        self._pools: dict[str, Pool] = {}

    async def post(
        self, url: str, path: str, body: bytes, labels: Labels, *, first_byte_timeout_s: float = 0.0
    ) -> Response:
        """Send one request and wait for the answer's headers. Use the response in a `with` block.

        A pooled connection that dies without a byte of answer is replaced by a new one, once. The body must
        begin within `first_byte_timeout_s`; 0: as for any silence.

        Raises:
            UpstreamUnreachable: no connection; the request has not been sent.
            UpstreamBroken: the connection died, or what came is not HTTP.
        """
        pool = self._pools.get(url)
        if pool is None:
            pool = self._pools[url] = Pool(url)
        head = pool.address.head(path, labels, size_bytes=len(body))
        pooled = pool.take()
        if pooled is not None:
            try:
                return await pooled.exchange(head + body, first_byte_timeout_s)
            except UpstreamStale:
                log.debug("%s had closed an idle connection; opening a new one", url)
        connection = await pool.connect(self._connect_timeout_s)
        return await connection.exchange(head + body, first_byte_timeout_s)

    def sweep(self, replicas: Iterable[Replica], *, now_s: float) -> None:
        """Close idle connections, fail stuck ones, forget replicas that are gone; every SWEEP_S."""
        is_well: dict[str, bool] = {}
        for replica in replicas:
            is_well[replica.url] = replica.state in _WELL or is_well.get(replica.url, False)
        for url, pool in tuple(self._pools.items()):
            pool.sweep(now_s, silence_s=self._silence_s(pool, is_well.get(url), now_s))
            if not (url in is_well or pool.idle or pool.busy):
                del self._pools[url]

    def _silence_s(self, pool: Pool, is_well: bool | None, now_s: float) -> float:
        """How long a connection to a replica may say nothing. `is_well`: None when it is gone."""
        if is_well is None:
            return GONE_SILENCE_S
        if is_well:
            pool.well_s = now_s
        return UNWELL_SILENCE_S if now_s - pool.well_s > UNWELL_SILENCE_S else self._silence_timeout_s

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()

    @property
    def num_open(self) -> int:
        """Connections held, idle or busy."""
        return sum(len(pool.idle) + len(pool.busy) for pool in self._pools.values())
