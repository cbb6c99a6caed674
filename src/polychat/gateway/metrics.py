"""What one gateway tells Prometheus of what has ended; standing.py tells how things stand.

Labels are bounded: models that are or were served (any other is "other"), routes of the table, codes of
errors. No key, no client, no text.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from polychat.errors import PlatformError
from polychat.gateway.journey import Outcome, Record
from polychat.gateway.tally import Labels, Seconds, counters, histograms
from polychat.telemetry import metrics
from polychat.types import Endpoint

OTHER = "other"
NOT_ERRORS = ("", "client_left", "bug", "invalid_request")
MAX_MODELS = 1000  # names that get a label of their own
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_TOKEN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.5, 1)


def _codes(error: type[PlatformError]) -> set[str]:
    """The codes of an error and of all that are special cases of it."""
    own = {error.code} if isinstance(error.code, str) else set()
    return own.union(*(_codes(special) for special in error.__subclasses__()))


REASONS = frozenset({*NOT_ERRORS, *_codes(PlatformError)})
"""What may be a label: engines have codes of their own, any number of them."""


def _seconds() -> Seconds:
    return Seconds(_SECONDS)


@dataclass(slots=True)
class _Tally:
    """What the calls of one model at one endpoint have come to."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    retries: int = 0
    continued: int = 0
    ttft: Seconds = field(default_factory=_seconds)
    per_token: Seconds = field(default_factory=lambda: Seconds(_TOKEN_SECONDS))
    duration: Seconds = field(default_factory=_seconds)
    waited: Seconds = field(default_factory=_seconds)


_TIMES_OF_MODELS: tuple[tuple[str, str, Callable[[_Tally], Seconds]], ...] = (
    ("time_to_first_token", "To a stream's first event.", lambda tally: tally.ttft),
    ("queue_wait", "Before it was sent to a replica.", lambda tally: tally.waited),
    (
        "time_per_output_token",
        "From a stream's first event to its end, for each token after the first.",
        lambda tally: tally.per_token,
    ),
)


class Metrics(Collector):
    """The counters of one gateway. `note` is told of each call of a model that has ended."""

    def __init__(self, *, is_model: Callable[[str], bool]) -> None:
        self.registry = metrics.registry("gateway")
        self._is_model = is_model
        self._known: set[str] = set()
        self._tallies: dict[tuple[str, Endpoint], _Tally] = {}
        self._requests: Counter[Labels] = Counter()
        self._http: Counter[Labels] = Counter()
        self.registry.register(self)

    def note(self, record: Record) -> None:
        """An observer of the ledger."""
        model = record.model if record.model in self._known else self._label(record.model)
        reason = record.reason if record.reason in REASONS else OTHER
        self._requests[model, record.endpoint, record.outcome, reason] += 1
        if record.outcome is Outcome.REFUSED:
            return
        tally = self._tallies.get((model, record.endpoint))
        if tally is None:
            tally = self._tallies[model, record.endpoint] = _Tally()
        tally.duration.observe(record.duration_s)
        tally.waited.observe(record.waited_s)
        if record.attempts > 1 or record.continued:
            tally.retries += max(0, record.attempts - record.continued - 1)
            tally.continued += record.continued
        if (usage := record.usage) is not None:
            tally.prompt += usage.prompt_tokens
            tally.cached += usage.cached_tokens
            tally.completion += usage.completion_tokens
        if record.is_stream and record.ttft_s is not None:
            _note_stream(tally, record, record.ttft_s)

    def note_http(self, route: str, method: str, status: int) -> None:
        """An HTTP request has been answered; `route` is a path of the table."""
        self._http[route, method, status] += 1

    def text(self) -> bytes:
        return metrics.text(self.registry)

    def collect(self) -> Iterable[Metric]:
        """What has been counted so far."""
        yield counters("requests", "Calls of a model.", "model endpoint outcome reason", self._requests)
        yield counters("http_requests", "HTTP requests.", "route method status", self._http)
        yield from self._counted()
        yield from self._timed()

    def _counted(self) -> Iterable[Metric]:
        tokens: Counter[Labels] = Counter()
        retries: Counter[Labels] = Counter()
        continued: Counter[Labels] = Counter()
        for (model, _), tally in self._tallies.items():
            tokens[model, "prompt"] += tally.prompt
            tokens[model, "cached"] += tally.cached
            tokens[model, "completion"] += tally.completion
            retries[model,] += tally.retries
            continued[model,] += tally.continued
        yield counters("tokens", "Tokens; prompt has cached in it.", "model kind", tokens)
        yield counters("retries", "Requests sent to one more replica.", "model", retries)
        yield counters("continued_streams", "Streams that went on at another replica.", "model", continued)

    def _timed(self) -> Iterable[Metric]:
        for name, what, seconds in _TIMES_OF_MODELS:
            of = [((model,), seconds(tally)) for (model, _), tally in self._tallies.items()]
            yield histograms(name, what, "model", of)
        durations = [(at, tally.duration) for at, tally in self._tallies.items()]
        yield histograms("request_duration", "From arrival to end.", "model endpoint", durations)

    def _label(self, model: str) -> str:
        if len(self._known) < MAX_MODELS and self._is_model(model):
            self._known.add(model)
            return model
        return OTHER


def _note_stream(tally: _Tally, record: Record, ttft_s: float) -> None:
    tally.ttft.observe(ttft_s)
    usage = record.usage
    if usage is not None and usage.completion_tokens > 1 and record.outcome is Outcome.ANSWERED:
        tally.per_token.observe((record.duration_s - ttft_s) / (usage.completion_tokens - 1))
