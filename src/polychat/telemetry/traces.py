"""Traces by OpenTelemetry, off unless an endpoint is named; the SDK is imported only then.

Attributes are named as OpenTelemetry's conventions for generative AI have them:
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from polychat.errors import SetupError

if TYPE_CHECKING:
    pass

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PATH = "/v1/traces"

Value = str | int | float | bool


class Span(Protocol):
    """One piece of work that is traced."""

    traceparent: str  # what the next one in the chain is sent: W3C Trace Context

    def end(self, facts: Mapping[str, Value], *, error: str = "") -> None: ...


class Tracer(Protocol):
    def begin(self, name: str, parent: str) -> Span:
        """`parent`: the traceparent that came with the request, "" if none did."""

    def close(self) -> None:
        """Send what has not been sent."""


class _Unrecorded:
    """Passes on what came."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def end(self, facts: Mapping[str, Value], *, error: str = "") -> None:
        pass


class NoTracer:
    def begin(self, name: str, parent: str) -> Span:
        return _Unrecorded(parent if _TRACEPARENT.fullmatch(parent) else "")

    def close(self) -> None:
        pass


NO_TRACER = NoTracer()


class Otlp:
    """Sends spans to a collector by OTLP over HTTP, in batches, from a thread of its own."""

    def __init__(self, endpoint: str, *, service: str) -> None:
        """Raises SetupError when the SDK is not installed."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as exc:
            raise SetupError(f"--otlp-endpoint needs {exc.name}: pip install 'polychat[otel]'") from exc
        address = endpoint.rstrip("/")
        exporter = OTLPSpanExporter(address if address.endswith(_PATH) else address + _PATH)
        self._provider: TracerProvider = TracerProvider(resource=Resource.create({"service.name": service}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("polychat")

    def begin(self, name: str, parent: str) -> Span:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        given = {"traceparent": parent} if _TRACEPARENT.fullmatch(parent) else {}
        context = TraceContextTextMapPropagator().extract(given)
        return _Recorded(self._tracer.start_span(name, context=context, kind=SpanKind.SERVER))

    def close(self) -> None:
        self._provider.shutdown()


class _Recorded:
    def __init__(self, span: "OtelSpan") -> None:
        self._span = span
        context = span.get_span_context()
        flags = int(context.trace_flags)
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"

    def end(self, facts: Mapping[str, Value], *, error: str = "") -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attributes(dict(facts))
        if error:
            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end()


if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan
