"""What one gateway tells Prometheus of what has ended; standing.py tells how things stand.

Labels are bounded: models that are or were served (any other is "other"), routes of the table, codes of
errors. No key, no client, no text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

from polychat.errors import PlatformError
from polychat.gateway.journey import Outcome, Record
from polychat.telemetry import metrics

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


@dataclass(slots=True)
class _Children:
    """The metrics of one model and endpoint, found once: looking labels up costs more than counting."""

    ttft: Histogram
    per_token: Histogram
    duration: Histogram
    waited: Histogram
    prompt: Counter
    cached: Counter
    completion: Counter
    retries: Counter
    continued: Counter


class Metrics:
    """The counters of one gateway. `note` is told of each call of a model that has ended."""

    def __init__(self, *, is_model: Callable[[str], bool]) -> None:
        self.registry = metrics.registry("gateway")
        self._is_model = is_model
        self._known: set[str] = set()
        self._children: dict[tuple[str, str], _Children] = {}
        self._requests_of: dict[tuple[str, str, str, str], Counter] = {}
        self._http_of: dict[tuple[str, str, int], Counter] = {}
        self._requests = self._counter("requests", "Calls of a model.", "model endpoint outcome reason")
        self._http = self._counter("http_requests", "HTTP requests.", "route method status")
        self._tokens = self._counter("tokens", "Tokens; prompt has cached in it.", "model kind")
        self._retries = self._counter("retries", "Requests sent to one more replica.", "model")
        self._continued = self._counter(
            "continued_streams", "Streams that went on at another replica.", "model"
        )
        self._ttft = self._seconds("time_to_first_token", "To a stream's first event.", "model")
        self._waited = self._seconds("queue_wait", "Before it was sent to a replica.", "model")
        self._duration = self._seconds("request_duration", "From arrival to end.", "model endpoint")
        self._per_token = self._seconds(
            "time_per_output_token",
            "From a stream's first event to its end, for each token after the first.",
            "model",
            buckets=_TOKEN_SECONDS,
        )

    def note(self, record: Record) -> None:
        """An observer of the ledger."""
        model = self._label(record.model)
        self._count(model, record)
        if record.outcome is Outcome.REFUSED:
            return
        of = self._of(model, record.endpoint)
        of.duration.observe(record.duration_s)
        of.waited.observe(record.waited_s)
        if record.attempts - record.continued > 1:
            of.retries.inc(record.attempts - record.continued - 1)
        if record.continued:
            of.continued.inc(record.continued)
        usage = record.usage
        if usage is not None:
            of.prompt.inc(usage.prompt_tokens)
            of.cached.inc(usage.cached_tokens)
            of.completion.inc(usage.completion_tokens)
        if record.is_stream and record.ttft_s is not None:
            of.ttft.observe(record.ttft_s)
            if usage is not None and usage.completion_tokens > 1 and record.outcome is Outcome.ANSWERED:
                of.per_token.observe((record.duration_s - record.ttft_s) / (usage.completion_tokens - 1))

    def note_http(self, route: str, method: str, status: int) -> None:
        """An HTTP request has been answered; `route` is a path of the table."""
        key = route, method, status
        found = self._http_of.get(key)
        if found is None:
            found = self._http_of[key] = self._http.labels(route, method, str(status))
        found.inc()

    def text(self) -> bytes:
        return metrics.text(self.registry)

    def _counter(self, name: str, what: str, labels: str) -> Counter:
        return Counter(f"polychat_{name}", what, labels.split(), registry=self.registry)

    def _seconds(
        self, name: str, what: str, labels: str, *, buckets: Sequence[float] = _SECONDS
    ) -> Histogram:
        return Histogram(
            f"polychat_{name}_seconds", what, labels.split(), registry=self.registry, buckets=buckets
        )

    def _count(self, model: str, record: Record) -> None:
        reason = record.reason if record.reason in REASONS else OTHER
        key = model, str(record.endpoint), str(record.outcome), reason
        found = self._requests_of.get(key)
        if found is None:
            found = self._requests_of[key] = self._requests.labels(*key)
        found.inc()

    def _of(self, model: str, endpoint: str) -> _Children:
        found = self._children.get((model, endpoint))
        if found is None:
            found = self._children[model, endpoint] = _Children(
                self._ttft.labels(model),
                self._per_token.labels(model),
                self._duration.labels(model, endpoint),
                self._waited.labels(model),
                self._tokens.labels(model, "prompt"),
                self._tokens.labels(model, "cached"),
                self._tokens.labels(model, "completion"),
                self._retries.labels(model),
                self._continued.labels(model),
            )
        return found

    def _label(self, model: str) -> str:
        if model in self._known:
            return model
        if len(self._known) < MAX_MODELS and self._is_model(model):
            self._known.add(model)
            return model
        return OTHER
