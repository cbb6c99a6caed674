"""What a call of a model is as a span."""

from polychat.gateway.journey import Outcome, Record
from polychat.telemetry.traces import Value
from polychat.types import Endpoint

_OPERATIONS = {
    Endpoint.CHAT: "chat",
    Endpoint.COMPLETIONS: "text_completion",
    Endpoint.EMBEDDINGS: "embeddings",
}


def name_of(endpoint: Endpoint, model: str) -> str:
    """As the conventions have it: the operation and the model."""
    return f"{_OPERATIONS.get(endpoint, endpoint.strip('/'))} {model}"


def facts_of(record: Record) -> dict[str, Value]:
    """The span's attributes."""
    facts: dict[str, Value | None] = {
        "gen_ai.operation.name": _OPERATIONS.get(record.endpoint, str(record.endpoint)),
        "gen_ai.request.model": record.model,
        "gen_ai.usage.input_tokens": record.usage.prompt_tokens if record.usage else None,
        "gen_ai.usage.output_tokens": record.usage.completion_tokens if record.usage else None,
        "gen_ai.server.time_to_first_token": record.ttft_s,
        "polychat.request_id": record.request_id,
        "polychat.outcome": str(record.outcome),
        "polychat.replica": record.replica_id or None,
        "polychat.engine": record.engine or None,
        "polychat.attempts": record.attempts,
        "polychat.continued": record.continued,
        "polychat.queue_wait_s": record.waited_s,
        "error.type": record.reason or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def error_of(record: Record) -> str:
    """Why it failed; "" when that was not ours."""
    return record.reason if record.outcome is Outcome.FAILED else ""
