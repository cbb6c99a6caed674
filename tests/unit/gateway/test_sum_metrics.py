"""The metrics of several processes as those of one."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from polychat.gateway.frames import ASK, Frame, Reader, encoded
from polychat.gateway.sum_metrics import counters_of, merged
from polychat.telemetry.metrics import text


def told(requests: int, *, in_flight: int, slots: int, connected: int) -> bytes:
    """What a process would tell."""
    registry = CollectorRegistry()
    Counter("polychat_requests", "Calls.", ["model"], registry=registry).labels('m"\\').inc(requests)
    Histogram("polychat_duration_seconds", "Took.", buckets=(1, 2), registry=registry).observe(1.5)
    Gauge("polychat_requests_in_flight", "Now.", registry=registry).set(in_flight)
    Gauge("polychat_replica_slots", "Slots.", registry=registry).set(slots)
    Gauge("polychat_controller_connected", "Whether.", registry=registry).set(connected)
    return text(registry)


def values(metrics: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.decode())
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in families
        for sample in family.samples
    }


ONE, OTHER = told(3, in_flight=2, slots=8, connected=1), told(4, in_flight=5, slots=8, connected=0)


def test_counts_are_added_up_and_what_all_see_alike_is_told_once() -> None:
    found = values(merged([ONE, OTHER]))
    assert (found["polychat_requests_total"], found["polychat_requests_in_flight"]) == (7, 7)
    assert (found["polychat_replica_slots"], found["polychat_controller_connected"]) == (8, 0)
    assert found["polychat_duration_seconds_bucket1.0"] == 0
    assert found["polychat_duration_seconds_bucket2.0"] == found["polychat_duration_seconds_count"] == 2


def test_the_metrics_of_one_process_stay_what_they_are() -> None:
    assert values(merged([ONE])) == values(ONE)


def test_of_a_process_that_is_gone_only_its_counts_remain() -> None:
    found = values(counters_of(counters_of(b"", ONE), OTHER))
    assert found["polychat_requests_total"] == 7
    assert "polychat_requests_in_flight" not in found


def test_a_process_that_was_never_asked_leaves_nothing() -> None:
    assert counters_of(b"", b"") == b""


def test_messages_arrive_whole_however_they_are_cut() -> None:
    frames, reader = [Frame(ASK, n, "metrics", b"x" * n) for n in range(3)], Reader()
    data = b"".join(map(encoded, frames))
    assert [frame for at in range(len(data)) for frame in reader.feed(data[at : at + 1])] == frames
