"""Carries one request to a replica and its answer back to the client.

Until the client has been sent a byte, a replica that fails is replaced by the next one. After that the stream
ends with one error event. However a request ends, it gives back its count at the replica and its connection.
"""

import asyncio
import logging
import secrets
from dataclasses import replace

from polychat.engines.alias import aliased
from polychat.engines.base import Dialect, RequestView, Shaped
from polychat.engines.dialects import dialect_of
from polychat.errors import GoesInCircles, PlatformError, ReplicaError, ReplicaTimeout, ReplicaUnavailable
from polychat.gateway import counting, outside
from polychat.gateway.answers import error_of, usage_of
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.events import EventRelay
from polychat.gateway.exchange import Exchange
from polychat.gateway.images import Images
from polychat.gateway.journey import Journey
from polychat.gateway.ledger import Ledger
from polychat.gateway.sink import MediaToClient, Sink, ToClient
from polychat.gateway.upstream import VIA, Upstream, labels_for
from polychat.gateway.wire import Response, UpstreamBroken, UpstreamSilent, UpstreamUnreachable
from polychat.routing.replica import Replica
from polychat.schema.generation import GenerationRequest
from polychat.types import Endpoint, Feature

log = logging.getLogger(__name__)

TAIL_BYTES = 4096
_ENDS_BY_ITSELF = frozenset(  # streams of these have no [DONE]: the last event depends on the route
    {
        Endpoint.TRANSCRIPTIONS,
        Endpoint.TRANSLATIONS,
        Endpoint.SPEECH,
        Endpoint.IMAGES,
        Endpoint.IMAGE_EDITS,
    }
)


class Relay:
    """Sends requests to the replicas that a dispatcher chooses."""

    def __init__(self, dispatcher: Dispatcher, upstream: Upstream, images: Images, ledger: Ledger) -> None:
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._upstream = upstream
        self._images = images
        self._counting = counting.Counting()
        self._id = secrets.token_hex(4)

    async def forward(
        self, exchange: Exchange, body: bytes, view: RequestView, sink: Sink | None = None
    ) -> None:
        """Answer `exchange`, whose body has been read, with what a replica says to `body`.

        Raises:
            PlatformError: nobody could answer, or a replica died in mid-answer.
            ClientLeft: the client did; the replica has been told by closing the connection to it.
        """
        exchange.journey.via = exchange.header(VIA.encode()).decode("latin-1")
        if self._id in exchange.journey.via.split(","):
            raise GoesInCircles
        async with exchange.leaving_cancels():
            await self.run(exchange.journey, body, view, sink or ToClient(exchange))

    async def run(self, journey: Journey, body: bytes, view: RequestView, sink: Sink) -> None:
        """Give `sink` what a replica says to `body`, for as long as the task is not cancelled.

        Raises:
            PlatformError: nobody could answer, or a replica died in mid-answer.
        """
        model = self._dispatcher.meant(view.model)
        async with self._ledger.call(journey, view, model=model, size_bytes=len(body)):
            await self._run(journey, body, view, sink)

    async def _run(self, journey: Journey, body: bytes, view: RequestView, sink: Sink) -> None:
        if Feature.VISION in view.needs:
            await self._dispatcher.choose(view, Attempts())  # nothing is fetched for a model that cannot see
            body = await self._images.inlined(body, view.request)
        attempts = Attempts()
        while True:
            replica = await self._dispatcher.choose(view, attempts, journey)
            try:
                with self._dispatcher.sending_to(replica, journey):
                    return await self._attempt(journey, replica, body, view, sink)
            except ReplicaError as exc:
                log.warning("%s at %s: %s (%s)", replica.model, replica.url, exc, journey.request_id)
                if sink.has_begun:
                    raise
                is_death = not isinstance(exc, ReplicaUnavailable)
                attempts.record(replica, exc, is_death=is_death)

    async def _attempt(
        self, journey: Journey, replica: Replica, body: bytes, view: RequestView, sink: Sink
    ) -> None:
        journey.replica_id, journey.engine = replica.id, replica.engine
        journey.attempts += 1
        if journey.sent_s is None:
            journey.sent_s = asyncio.get_running_loop().time()
        via = f"{journey.via},{self._id}" if journey.via else self._id
        labels = labels_for(replica, journey.request_id, content_type=view.content_type, via=via)
        call: Shaped | None = self._shaped(journey, replica, body, view)
        try:
            while call is not None:
                path = _path_at(replica, call.path)
                response = await self._upstream.post(replica.url, path, call.body, labels)
                with response:
                    if response.status != 200:
                        refusal = await response.read_all()
                        if journey.hides_usage and self._counting.is_refused(
                            replica.url, response.status, refusal
                        ):
                            call = self._shaped(journey, replica, body, view)
                            continue
                        raise _error(replica, response, refusal, call, view)
                    call = await _answer(journey, response, call, view, sink)
        except UpstreamUnreachable as exc:
            raise ReplicaUnavailable("The model cannot answer now: its replica cannot be reached.") from exc
        except UpstreamSilent as exc:
            raise ReplicaTimeout(f"The replica did not answer: {exc}.") from exc
        except UpstreamBroken as exc:
            raise ReplicaError(f"The replica broke off: {exc}.") from exc

    def _shaped(self, journey: Journey, replica: Replica, body: bytes, view: RequestView) -> Shaped:
        """The call for a request; its answer tells token counts, whether the client wants them or not."""
        at_replica, asked = _view_at(replica, view), body
        journey.hides_usage = self._counting.must_ask(replica.url, view)
        if journey.hides_usage:
            assert isinstance(view.request, GenerationRequest)
            at_replica, asked = replace(at_replica, include_usage=True), counting.asking(body, view.request)
        return self._dialect(replica, view.model)(asked, at_replica)

    def _dialect(self, replica: Replica, model: str) -> Dialect:
        dialect = dialect_of(replica.engine)
        return dialect if replica.serves(model) else aliased(dialect, self._dispatcher.meant(model))


def _view_at(replica: Replica, view: RequestView) -> RequestView:
    return replace(
        view,
        context_length=replica.context_length,
        endpoints=replica.endpoints,
        slots=replica.load.slots,
        adapters=replica.adapters,
        upstream_model=replica.upstream_model,
    )


def _path_at(replica: Replica, path: str) -> str:
    """The path of a route at a replica: providers have their API's routes in many places."""
    return replica.api_root + path.removeprefix("/v1") if path.startswith("/v1/") else path


async def _answer(
    journey: Journey, response: Response, call: Shaped, view: RequestView, sink: Sink
) -> Shaped | None:
    """Give the answer to the sink, or return the next call to make."""
    content_type = response.headers.get(b"content-type", b"application/json").decode("latin-1")
    if view.stream and not call.is_side_call and content_type.startswith("text/event-stream"):
        return await _answer_stream(journey, response, call, sink)
    if isinstance(sink, MediaToClient) and not _is_text(content_type):
        await _answer_media(response, content_type, sink)
        return None
    body = await response.read_all()
    answer = call.response(body) if call.response else body
    if isinstance(answer, Shaped):
        return answer
    if content_type.startswith("text/event-stream"):  # a stream that `response` has put together
        content_type = "application/json"
    journey.first_s, journey.tail = asyncio.get_running_loop().time(), answer[-TAIL_BYTES:]
    journey.usage = usage_of(answer)
    await sink.whole(answer, content_type=content_type)
    return None


def _error(
    replica: Replica, response: Response, body: bytes, call: Shaped, view: RequestView
) -> PlatformError:
    body = outside.scrubbed(body, replica)
    known = call.refused(response.status, body) if call.refused else None
    if known is None:
        retry_after = response.headers.get(b"retry-after", b"")
        known = outside.refusal(response.status, body, retry_after, replica, view)
    return known or error_of(response.status, body, view.endpoint)


async def _answer_stream(journey: Journey, response: Response, call: Shaped, sink: Sink) -> Shaped | None:
    """Give the stream to the sink; return the call that goes on with it."""
    relay = EventRelay(call.event, goes_on=call.then is not None)
    while data := await response.read():
        if events := relay.feed(data):
            if journey.first_s is None:
                journey.first_s = asyncio.get_running_loop().time()
            counting.note(journey, events)
            journey.is_whole = relay.is_done and call.then is None
            if shown := counting.without_counts(events) if journey.hides_usage else events:
                await sink.events(shown)
            journey.tail = events if len(events) > 1024 else (journey.tail + events)[-TAIL_BYTES:]
    if not (relay.is_done or (call.path in _ENDS_BY_ITSELF and _ended_well(response, relay))):
        raise ReplicaError("The replica broke off: its stream ended before its last event.")
    if call.then is not None:
        return call.then()
    await sink.end()
    return None


def _ended_well(response: Response, relay: EventRelay) -> bool:
    """Whether the stream's end was said to be one, and no mere loss of the connection."""
    return not (response.ends_with_connection or relay.is_within_event)


async def _answer_media(response: Response, content_type: str, sink: MediaToClient) -> None:
    data = await response.read()  # before anything is sent: another replica may still be tried
    await sink.begin(content_type)
    while data:
        await sink.events(data)
        data = await response.read()
    await sink.end()


def _is_text(content_type: str) -> bool:
    return content_type.startswith(("text/", "application/json"))
