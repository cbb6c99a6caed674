"""Carries one request to a replica and its answer back to the client.

Until the client has been sent a byte, a replica that fails is replaced by the next one. After that the stream
ends with one error event. However a request ends, it gives back its count at the replica and its connection.
"""

import logging

from polychat.engines.base import Dialect, RequestView
from polychat.engines.dialects import dialect_of
from polychat.errors import ReplicaError, ReplicaTimeout, ReplicaUnavailable
from polychat.gateway.answers import error_of
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.events import EventRelay
from polychat.gateway.exchange import Exchange
from polychat.gateway.upstream import Upstream
from polychat.gateway.wire import Response, UpstreamBroken, UpstreamSilent, UpstreamUnreachable
from polychat.routing.replica import Replica

log = logging.getLogger(__name__)

TAIL_BYTES = 4096


class Relay:
    """Sends requests to the replicas that a dispatcher chooses."""

    def __init__(self, dispatcher: Dispatcher, upstream: Upstream) -> None:
        self._dispatcher = dispatcher
        self._upstream = upstream

    async def forward(self, exchange: Exchange, body: bytes, view: RequestView) -> None:
        """Answer `exchange`, whose body has been read, with what a replica says to `body`.

        Raises:
            PlatformError: nobody could answer, or a replica died in mid-answer.
            ClientLeft: the client did; the replica has been told by closing the connection to it.
        """
        async with exchange.leaving_cancels():
            attempts = Attempts()
            while True:
                replica = await self._dispatcher.choose(view.model, view.endpoint, attempts)
                try:
                    with self._dispatcher.sending_to(replica):
                        return await self._attempt(exchange, replica, body, view)
                except ReplicaError as exc:
                    log.warning("%s at %s: %s (%s)", replica.model, replica.url, exc, exchange.request_id)
                    if exchange.has_begun:
                        raise
                    is_death = not isinstance(exc, ReplicaUnavailable)
                    attempts.record(replica, exc, is_death=is_death)

    async def _attempt(self, exchange: Exchange, replica: Replica, body: bytes, view: RequestView) -> None:
        exchange.replica_id = replica.id
        dialect = dialect_of(replica.engine)
        try:
            response = await self._upstream.post(
                replica.url,
                view.endpoint,
                dialect.request(body, view) if dialect.request else body,
                secret=replica.secret,
                request_id=exchange.request_id,
            )
            with response:
                await _answer(exchange, response, dialect, view)
        except UpstreamUnreachable as exc:
            raise ReplicaUnavailable("The model cannot answer now: its replica cannot be reached.") from exc
        except UpstreamSilent as exc:
            raise ReplicaTimeout(f"The replica did not answer: {exc}.") from exc
        except UpstreamBroken as exc:
            raise ReplicaError(f"The replica broke off: {exc}.") from exc


async def _answer(exchange: Exchange, response: Response, dialect: Dialect, view: RequestView) -> None:
    if response.status != 200:
        raise error_of(response.status, await response.read_all(), view.endpoint)
    if view.stream and response.headers.get(b"content-type", b"").startswith(b"text/event-stream"):
        await _answer_stream(exchange, response, dialect, view)
    else:
        body = await response.read_all()
        exchange.tail = body[-TAIL_BYTES:]
        await exchange.json(dialect.response(body, view) if dialect.response else body)


async def _answer_stream(exchange: Exchange, response: Response, dialect: Dialect, view: RequestView) -> None:
    relay = EventRelay(dialect.event, view)
    while data := await response.read():
        if events := relay.feed(data):
            if not exchange.has_begun:
                await exchange.start_stream()
            await exchange.write(events)
            exchange.tail = events if len(events) > 1024 else (exchange.tail + events)[-TAIL_BYTES:]
    if not relay.is_done:
        raise ReplicaError("The replica broke off: its stream ended before its last event.")
    await exchange.end()
