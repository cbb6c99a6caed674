"""The account of each call of a model: opened before anything is done for it, closed however it ends."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType

from polychat.engines.base import RequestView
from polychat.errors import PlatformError, ReplicaError
from polychat.gateway.answers import Usage
from polychat.gateway.counting import usage_at_end
from polychat.gateway.journey import Journey, Observer, Outcome, Record
from polychat.gateway.quota import Hold, Quota
from polychat.gateway.tracing import error_of, facts_of, name_of
from polychat.telemetry.traces import NO_TRACER, Span, Tracer


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

    def call(self, journey: Journey, view: RequestView, *, model: str, size_bytes: int) -> "Call":
        """One call of `model`, as replicas know it, for as long as the block lasts that this is for.

        Entering the block raises NotAllowed, RateLimited or BudgetSpent: its caller may not, or not now.
        """
        clock = asyncio.get_running_loop().time
        journey.begin(view.endpoint, model, is_stream=view.stream, now_s=clock())
        self._running[id(journey)] = journey
        return Call(self, journey, view, size_bytes, clock)

    def reserve(self, journey: Journey, view: RequestView, size_bytes: int) -> Hold | None:
        """Let the call begin. Raises PlatformError if it may not."""
        journey.caller.require_model(view.model, journey.model)
        return self._quota.reserve(journey.caller, view, size_bytes=size_bytes)

    def span(self, journey: Journey) -> Span | None:
        """The call as a piece of work that is traced."""
        if self._tracer is NO_TRACER and not journey.came_with:
            journey.traceparent = ""
            return None
        assert journey.endpoint is not None
        span = self._tracer.begin(name_of(journey.endpoint, journey.model), journey.came_with)
        journey.traceparent = span.traceparent
        return span

    def close_account(self, journey: Journey, record: Record, hold: Hold | None, span: Span | None) -> None:
        """The call has ended."""
        del self._running[id(journey)]
        self._quota.settle(hold, record)
        if span is not None and self._tracer is not NO_TRACER:
            span.end(facts_of(record), error=error_of(record))
        for observer in self._observers:
            observer(record)


class Call:
    """One call while it runs. A class of its own because contextlib's generators cost several times this."""

    __slots__ = ("_clock", "_hold", "_journey", "_ledger", "_size_bytes", "_span", "_view")

    def __init__(
        self, ledger: Ledger, journey: Journey, view: RequestView, size_bytes: int, clock: Callable[[], float]
    ) -> None:
        self._ledger, self._journey, self._view = ledger, journey, view
        self._size_bytes, self._clock = size_bytes, clock
        self._hold: Hold | None = None
        self._span = ledger.span(journey)

    def __enter__(self) -> None:
        try:
            self._hold = self._ledger.reserve(self._journey, self._view, self._size_bytes)
        except BaseException as error:
            self._end(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(exc)

    def _end(self, error: BaseException | None) -> None:
        journey = self._journey
        outcome, reason = (Outcome.ANSWERED, "") if error is None else _ending(error, journey)
        usage = usage_at_end(journey, self._view, outcome, size_bytes=self._size_bytes)
        record = _record(journey, outcome, reason, usage, now_s=self._clock())
        self._ledger.close_account(journey, record, self._hold, self._span)


def _ending(error: BaseException, journey: Journey) -> tuple[Outcome, str]:
    if isinstance(error, PlatformError):
        is_ours = isinstance(error, ReplicaError) or error.status >= 500
        outcome = Outcome.FAILED if is_ours and journey.attempts else Outcome.REFUSED
        return outcome, error.code or "invalid_request"
    if not isinstance(error, asyncio.CancelledError):
        return Outcome.FAILED, "bug"
    if journey.is_whole:  # many clients leave at [DONE], before the response's end
        return Outcome.ANSWERED, ""
    return Outcome.CANCELLED, "client_left"


def _record(journey: Journey, outcome: Outcome, reason: str, usage: Usage | None, *, now_s: float) -> Record:
    assert journey.endpoint is not None
    first_s, sent_s, began_s = journey.first_s, journey.sent_s, journey.began_s
    return Record(
        journey.request_id,
        journey.caller,
        journey.endpoint,
        journey.model,
        journey.is_stream,
        outcome,
        reason,
        journey.replica_id,
        journey.engine,
        journey.attempts,
        journey.continued,
        usage,
        waited_s=(now_s if sent_s is None else sent_s) - began_s,
        ttft_s=None if first_s is None else first_s - began_s,
        duration_s=now_s - began_s,
        engine_s=journey.engine_s,
    )
