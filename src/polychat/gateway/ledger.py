"""The account of each call of a model: opened before anything is done for it, closed however it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from polychat.engines.base import RequestView
from polychat.errors import PlatformError, ReplicaError
from polychat.gateway.answers import Usage
from polychat.gateway.counting import usage_at_end
from polychat.gateway.journey import Journey, Observer, Outcome, Record
from polychat.gateway.quota import Hold, Quota
from polychat.gateway.tracing import error_of, facts_of, name_of
from polychat.telemetry.traces import NO_TRACER, Tracer


class Ledger:
    """Reserves what a request may use, and tells everyone who keeps count what became of it."""

    def __init__(
        self, quota: Quota, observers: Sequence[Observer] = (), *, tracer: Tracer = NO_TRACER
    ) -> None:
        self._quota = quota
        self._tracer = tracer
        self._observers = list(observers)
        self._running: dict[int, Journey] = {}

    @property
    def running(self) -> list[Journey]:
        """The calls that have not ended."""
        return list(self._running.values())

    def close(self) -> None:
        """Send what is still to be told."""
        self._tracer.close()

    def tell(self, observer: Observer) -> None:
        """Let `observer` know of each record from now on."""
        self._observers.append(observer)

    @asynccontextmanager
    async def call(
        self, journey: Journey, view: RequestView, *, model: str, size_bytes: int
    ) -> AsyncIterator[None]:
        """One call of `model`, as replicas know it, for as long as the block runs.

        Raises:
            NotAllowed, RateLimited, BudgetSpent: its caller may not, or not now.
        """
        clock = asyncio.get_running_loop().time
        journey.begin(view.endpoint, model, is_stream=view.stream, now_s=clock())
        self._running[id(journey)] = journey
        span = self._tracer.begin(name_of(view.endpoint, model), journey.came_with)
        journey.traceparent = span.traceparent
        hold: Hold | None = None
        outcome, reason = Outcome.ANSWERED, ""
        try:
            journey.caller.require_model(view.model, model)
            hold = self._quota.reserve(journey.caller, view, size_bytes=size_bytes)
            yield
        except PlatformError as error:
            outcome, reason = _outcome_of(error, journey), error.code or "invalid_request"
            raise
        except asyncio.CancelledError:
            if not journey.is_whole:  # many clients leave at [DONE], before the response's end
                outcome, reason = Outcome.CANCELLED, "client_left"
            raise
        except BaseException:
            outcome, reason = Outcome.FAILED, "bug"
            raise
        finally:
            del self._running[id(journey)]
            usage = usage_at_end(journey, view, outcome, size_bytes=size_bytes)
            record = _record(journey, outcome, reason, usage, now_s=clock())
            self._quota.settle(hold, record)
            if self._tracer is not NO_TRACER:
                span.end(facts_of(record), error=error_of(record))
            for observer in self._observers:
                observer(record)


def _outcome_of(error: PlatformError, journey: Journey) -> Outcome:
    is_ours = isinstance(error, ReplicaError) or error.status >= 500
    return Outcome.FAILED if is_ours and journey.attempts else Outcome.REFUSED


def _record(journey: Journey, outcome: Outcome, reason: str, usage: Usage | None, *, now_s: float) -> Record:
    assert journey.endpoint is not None
    first_s, sent_s = journey.first_s, journey.sent_s
    return Record(
        request_id=journey.request_id,
        caller=journey.caller,
        endpoint=journey.endpoint,
        model=journey.model,
        is_stream=journey.is_stream,
        outcome=outcome,
        reason=reason,
        replica_id=journey.replica_id,
        engine=journey.engine,
        attempts=journey.attempts,
        continued=journey.continued,
        usage=usage,
        waited_s=(now_s if sent_s is None else sent_s) - journey.began_s,
        ttft_s=None if first_s is None else first_s - journey.began_s,
        duration_s=now_s - journey.began_s,
        engine_s=journey.engine_s,
    )
