"""Carries one request to a replica and its answer back to the client.

Until the client has been sent a byte, a replica that fails is replaced by the next one; after that another
one goes on with the stream where it was cut (continuation/), or an error event says why not, and ends it.
However a request ends, it gives back its count at the replica and its connection.
"""

import asyncio
import logging
import secrets

from msgspec.structs import replace

from polychat.engines.alias import aliased
from polychat.engines.base import Dialect, RequestView, Shaped
from polychat.engines.dialects import dialect_of
from polychat.errors import (
    GoesInCircles,
    NoReplicaAvailable,
    PlatformError,
    ReplicaBusy,
    ReplicaError,
    ReplicaTimeout,
    ReplicaUnavailable,
)
from polychat.gateway import counting, outside
from polychat.gateway.answering import answer
from polychat.gateway.answers import error_of
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.errand import Errand, unable_to_go_on
from polychat.gateway.exchange import Exchange
from polychat.gateway.images import Images
from polychat.gateway.journey import Journey
from polychat.gateway.ledger import Ledger
from polychat.gateway.retries import AS_USUAL, RetryBudget, RetryRules
from polychat.gateway.sink import Sink, ToClient
from polychat.gateway.upstream import VIA, Upstream, labels_for
from polychat.gateway.wire import Response, UpstreamBroken, UpstreamSilent, UpstreamUnreachable
from polychat.routing.replica import Replica
from polychat.schema.generation import GenerationRequest
from polychat.types import Feature

log = logging.getLogger(__name__)


class Relay:
    """Sends requests to the replicas that a dispatcher chooses."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        upstream: Upstream,
        images: Images,
        ledger: Ledger,
        *,
        rules: RetryRules = AS_USUAL,
    ) -> None:
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._upstream = upstream
        self._images = images
        self._rules = rules
        self._budget = RetryBudget()
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
        with self._ledger.call(journey, view, model=model, size_bytes=len(body)):
            await self._run(Errand(journey, body, view, sink))

    async def _run(self, errand: Errand) -> None:
        view = errand.view
        if Feature.VISION in view.needs:
            self._dispatcher.require(view)  # nothing is fetched for a model that cannot see
            errand.body = await self._images.inlined(errand.body, view.request)
        self._budget.earn()
        attempts = Attempts(session=errand.journey.session)
        while True:
            replica = await self._choose(errand, attempts)
            try:
                with self._dispatcher.sending_to(replica, errand.journey, attempts.ask):
                    await self._attempt(errand, replica)
                return
            except ReplicaError as exc:
                self._note_failure(errand, replica, exc)
                if errand.has_begun:
                    if not await errand.go_on(exc):
                        return
                    attempts = Attempts(session=errand.journey.session) if errand.tries == 0 else attempts
                elif errand.tries >= self._rules.max_tries or not self._budget.spend():
                    raise
                attempts.record(replica, exc, is_death=not isinstance(exc, ReplicaUnavailable))

    async def _choose(self, errand: Errand, attempts: Attempts) -> Replica:
        """The replica to send it to.

        Raises:
            PlatformError: there is none.
        """
        try:
            if errand.tries >= self._rules.max_tries:
                raise NoReplicaAvailable(errand.view.model, reason=f"{errand.tries} replicas failed")
            return await self._dispatcher.choose(errand.view, attempts, errand.journey)
        except PlatformError as exc:
            if errand.cut is None:
                raise
            raise unable_to_go_on(errand.cut, exc) from exc

    def _note_failure(self, errand: Errand, replica: Replica, exc: ReplicaError) -> None:
        journey = errand.journey
        log.warning("%s at %s: %s (%s)", replica.model, replica.url, exc, journey.request_id)
        journey.reasons.append(f"replica {replica.id}: {exc}")
        if not isinstance(exc, ReplicaBusy):
            now_s = asyncio.get_running_loop().time()
            self._dispatcher.breakers.failed(replica.id, began_s=errand.began_s, now_s=now_s)

    async def _attempt(self, errand: Errand, replica: Replica) -> None:
        """Ask one replica, and give its answer to the sink."""
        journey, clock = errand.journey, asyncio.get_running_loop().time
        journey.replica_id, journey.engine = replica.id, replica.engine
        journey.attempts += 1
        breakers = self._dispatcher.breakers
        errand.begin(clock(), lambda ttft_s: self._dispatcher.answered(replica, journey, ttft_s=ttft_s))
        breakers.begin(replica.id, now_s=errand.began_s)
        try:
            await self._ask(errand, replica)
        except UpstreamUnreachable as exc:
            raise ReplicaUnavailable("The model cannot answer now: its replica cannot be reached.") from exc
        except UpstreamSilent as exc:
            raise ReplicaTimeout(f"The replica did not answer: {exc}.") from exc
        except UpstreamBroken as exc:
            raise ReplicaError(f"The replica broke off: {exc}.") from exc
        errand.hear(clock())

    async def _ask(self, errand: Errand, replica: Replica) -> None:
        journey, view = errand.journey, errand.view
        via = f"{journey.via},{self._id}" if journey.via else self._id
        labels = labels_for(
            replica,
            journey.request_id,
            content_type=view.content_type,
            via=via,
            traceparent=journey.traceparent,
        )
        patience_s = self._rules.first_byte_timeout_s if view.stream else 0.0
        call: Shaped | None = self._shaped(errand, replica)
        while call is not None:
            path = _path_at(replica, call.path)
            response = await self._upstream.post(
                replica.url, path, call.body, labels, first_byte_timeout_s=patience_s
            )
            with response:
                if response.status == 200:
                    call = await answer(errand, response, call)
                    continue
                refusal = await response.read_all()
                if not (
                    journey.hides_usage and self._counting.is_refused(replica.url, response.status, refusal)
                ):
                    raise _error(replica, response, refusal, call, view)
                call = self._shaped(errand, replica)

    def _shaped(self, errand: Errand, replica: Replica) -> Shaped:
        """The call for a request; its answer tells token counts, whether the client wants them or not."""
        view, body = errand.view, errand.body
        hides_usage = errand.journey.hides_usage = self._counting.must_ask(replica.url, view)
        if hides_usage:
            assert isinstance(view.request, GenerationRequest)
            body = counting.asking(body, view.request)
        at_replica = _view_at(replica, view, include_usage=hides_usage or view.include_usage)
        return self._dialect(replica, view.model)(body, at_replica)

    def _dialect(self, replica: Replica, model: str) -> Dialect:
        dialect = dialect_of(replica.engine)
        return dialect if replica.serves(model) else aliased(dialect, self._dispatcher.meant(model))


def _view_at(replica: Replica, view: RequestView, *, include_usage: bool) -> RequestView:
    return replace(
        view,
        include_usage=include_usage,
        context_length=replica.context_length,
        endpoints=replica.endpoints,
        slots=replica.load.slots,
        adapters=replica.adapters,
        upstream_model=replica.upstream_model,
    )


def _path_at(replica: Replica, path: str) -> str:
    """The path of a route at a replica: providers have their API's routes in many places."""
    return replica.api_root + path.removeprefix("/v1") if path.startswith("/v1/") else path


def _error(
    replica: Replica, response: Response, body: bytes, call: Shaped, view: RequestView
) -> PlatformError:
    body = outside.scrubbed(body, replica)
    known = call.refused(response.status, body) if call.refused else None
    if known is None:
        retry_after = response.headers.get(b"retry-after", b"")
        known = outside.refusal(response.status, body, retry_after, replica, view)
    return known or error_of(response.status, body, view.endpoint)
