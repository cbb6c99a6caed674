from typing import Any

import pytest

from polychat.cli import doctor_running as running
from polychat.cli.doctor_checks import Level

NOW_S = 1_000_000.0


def replica(state: str, detail: str = "", **more: Any) -> dict[str, Any]:  # Any: JSON
    return {
        "names": ["m"],
        "url": "http://h:1",
        "state": state,
        "detail": detail,
        "created": NOW_S - 5,
        "load": {"waiting": 0, "slots": 4},
    } | more


def test_ready_replicas_are_counted() -> None:
    [only] = running.replicas([replica("ready"), replica("ready")], now_s=NOW_S)
    assert (only.level, only.found) == (Level.OK, "2 of 2 are ready")


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (replica("starting", "the engine is gone (killed by SIGSEGV)"), Level.FAIL, "SIGSEGV"),
        (replica("starting", "loading", created=NOW_S - 3600), Level.WARN, "for long: loading"),
        (replica("starting", "loading"), Level.WARN, "starting at http://h:1: loading"),
        (replica("silent", "its worker has said nothing"), Level.FAIL, "said nothing"),
        (replica("draining"), Level.WARN, "draining"),
    ],
)
def test_a_replica_that_is_not_ready_is_told_with_its_reason(
    found: dict[str, Any],
    level: Level,
    words: str,  # Any: JSON
) -> None:
    [only] = running.replicas([found], now_s=NOW_S)
    assert only.level is level
    assert words in only.found
    assert only.fix


def test_a_replica_with_a_long_queue_of_its_own_is_told() -> None:
    *_, last = running.replicas([replica("ready", load={"waiting": 9, "slots": 4})], now_s=NOW_S)
    assert "9 requests wait in its engine" in last.found


def test_a_gateway_without_its_controller_or_without_ready_replicas_is_broken() -> None:
    health = {"controller_connected": False, "replicas": 2, "replicas_ready": 0, "waiting": 3}
    checks = running.gateway(health)
    assert [check.level for check in checks] == [Level.FAIL, Level.WARN, Level.FAIL]
    assert running.gateway({"controller_connected": True, "replicas": 2, "replicas_ready": 2}) == []


def test_an_open_service_on_the_network_is_told() -> None:
    assert running.openness("http://10.0.0.5:8000", needs_key=False)
    assert not running.openness("http://10.0.0.5:8000", needs_key=True)
    assert not running.openness("http://127.0.0.1:8000", needs_key=False)


def test_clocks_that_differ_are_told() -> None:
    date = "Thu, 01 Jan 1970 00:01:00 GMT"
    assert running.clock(date, now_s=60.0) == []
    [skewed] = running.clock(date, now_s=0.0)
    assert "+60 s" in skewed.found
    assert running.clock("nonsense", now_s=0.0) == []
