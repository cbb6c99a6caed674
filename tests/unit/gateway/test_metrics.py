from prometheus_client.parser import text_string_to_metric_families

from polychat.gateway.answers import Usage
from polychat.gateway.caller import NOBODY
from polychat.gateway.journey import Outcome, Record
from polychat.gateway.metrics import Metrics
from polychat.types import Endpoint


def record(
    model: str = "m",
    outcome: Outcome = Outcome.ANSWERED,
    reason: str = "",
    *,
    attempts: int = 1,
    continued: int = 0,
) -> Record:
    return Record(
        request_id="req_1",
        caller=NOBODY,
        endpoint=Endpoint.CHAT,
        model=model,
        is_stream=True,
        outcome=outcome,
        reason=reason,
        replica_id="r",
        engine="echo",
        attempts=attempts,
        continued=continued,
        usage=Usage(10, 5, cached_tokens=4),
        waited_s=0.1,
        ttft_s=0.2,
        duration_s=1.0,
        engine_s=0.8,
    )


def values(metrics: Metrics) -> dict[tuple[str, str], float]:
    """(name, labels in the order of their names) -> value"""
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = " ".join(sample.labels[name] for name in sorted(sample.labels))
            found[sample.name, labels] = sample.value
    return found


def test_a_call_is_counted_with_its_tokens_and_times() -> None:
    metrics = Metrics(is_model=lambda name: True)
    metrics.note(record())
    told = values(metrics)
    assert told["polychat_requests_total", "/v1/chat/completions m answered "] == 1
    assert told["polychat_tokens_total", "prompt m"] == 10
    assert told["polychat_tokens_total", "cached m"] == 4
    assert told["polychat_tokens_total", "completion m"] == 5
    assert told["polychat_time_to_first_token_seconds_sum", "m"] == 0.2
    assert told["polychat_time_per_output_token_seconds_sum", "m"] == 0.2


def test_a_refused_call_says_nothing_of_times() -> None:
    metrics = Metrics(is_model=lambda name: True)
    metrics.note(record(outcome=Outcome.REFUSED, reason="rate_limit_exceeded"))
    told = values(metrics)
    assert told["polychat_requests_total", "/v1/chat/completions m refused rate_limit_exceeded"] == 1
    assert not [name for name, _ in told if name.startswith("polychat_request_duration")]


def test_names_that_clients_make_up_get_no_label_of_their_own() -> None:
    metrics = Metrics(is_model=lambda name: name == "m")
    for number in range(100):
        metrics.note(record(f"made-up-{number}", Outcome.REFUSED, "model_not_found"))
    told = values(metrics)
    assert told["polychat_requests_total", "/v1/chat/completions other refused model_not_found"] == 100
    assert not [labels for _, labels in told if "made-up" in labels]


def test_codes_that_engines_make_up_get_no_label_of_their_own() -> None:
    metrics = Metrics(is_model=lambda name: True)
    for number in range(100):
        metrics.note(record(outcome=Outcome.FAILED, reason=f"code-{number}"))
    metrics.note(record(outcome=Outcome.FAILED, reason="replica_error"))
    told = values(metrics)
    assert told["polychat_requests_total", "/v1/chat/completions m failed other"] == 100
    assert told["polychat_requests_total", "/v1/chat/completions m failed replica_error"] == 1


def test_retries_and_continuations_are_told_apart() -> None:
    metrics = Metrics(is_model=lambda name: True)
    metrics.note(record(attempts=4, continued=1))
    told = values(metrics)
    assert told["polychat_retries_total", "m"] == 2
    assert told["polychat_continued_streams_total", "m"] == 1
