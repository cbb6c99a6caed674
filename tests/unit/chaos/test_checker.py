"""The checker lets pass what may be, and finds each planted violation."""

import pytest

from tests.support.chaos.asks import Key
from tests.support.chaos.checker import Checker
from tests.support.chaos.history import End, Outages, Trace, Verb
from tests.support.chaos.streams import read
from tests.unit.chaos.traces import chunk, error_event, good_events, outages, refused, streamed


def rule_broken(trace: Trace, struck: Outages | None = None) -> str:
    return Checker(struck or outages(), {}).rule_broken(trace, read(trace))


def test_an_answer_as_undisturbed_breaks_no_rule() -> None:
    assert rule_broken(streamed(*good_events())) == ""


def without(position: int) -> list[bytes]:
    events = good_events()
    del events[position]
    return events


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        (without(1), "another answer than undisturbed"),
        (without(3), "finishes with ''"),
        (without(4), "counts (None, None) tokens"),
        (without(5), "the stream has 0 ends"),
        ([*good_events(), b"data: [DONE]\n\n"], "goes on after its end"),
        ([*good_events(), error_event()], "goes on after its end"),
        ([*good_events()[:-1], chunk(finish="stop"), good_events()[-1]], "finishes twice"),
        ([chunk("1.0", id_="b"), *good_events()[1:]], "changes its id"),
        ([*good_events(), b'data: {"id'], "ends within an event"),
        ([chunk("1.0")[:-9], *good_events()[1:]], "cannot be read"),
        ([chunk("1.0"), error_event("oops")], "an error that nobody knows"),
    ],
)
def test_a_stream_that_is_none_is_found(events: list[bytes], rule: str) -> None:
    assert rule in rule_broken(streamed(*events))


def test_a_failure_while_a_replica_was_well_is_found() -> None:
    one_down = outages(("echo-1", Verb.KILL, 10.4, 12.0))
    assert "although a replica was well" in rule_broken(streamed(chunk("1.0"), error_event()), one_down)
    assert "although a replica was well" in rule_broken(refused(503, "no_replica_available"), one_down)


def test_a_failure_while_no_replica_was_well_is_in_order() -> None:
    all_down = outages(("echo-1", Verb.KILL, 10.4, 12.0), ("echo-2", Verb.STOP, 9.0, 10.6))
    assert rule_broken(refused(503, "no_replica_available"), all_down) == ""


def test_a_failure_after_two_replicas_died_is_in_order() -> None:
    one_after_the_other = outages(("echo-1", Verb.KILL, 9.5, 10.1), ("echo-2", Verb.KILL, 10.5, 11.0))
    assert rule_broken(refused(502, "replica_error"), one_after_the_other) == ""


def test_a_gateway_that_has_just_started_without_its_database_knows_no_keys() -> None:
    away = ("database", Verb.END_DATABASE, 9.0, 12.0)
    assert rule_broken(refused(503, "database_unavailable"), outages(away))
    started = ("gateway-1", Verb.KILL, 7.0, 9.5)
    assert rule_broken(refused(503, "database_unavailable"), outages(away, started)) == ""


def test_what_was_done_long_before_is_no_excuse() -> None:
    long_ago = outages(("echo-1", Verb.KILL, 1.0, 8.0), ("echo-2", Verb.KILL, 1.0, 8.0))
    assert rule_broken(refused(502, "replica_error"), long_ago) != ""


def test_token_counts_may_be_missing_only_where_a_replica_died() -> None:
    assert "counts" in rule_broken(streamed(*without(4)))
    assert rule_broken(streamed(*without(4)), outages(("echo-1", Verb.KILL, 10.4, 12.0))) == ""


def test_only_the_key_with_limits_may_be_refused_for_one() -> None:
    assert rule_broken(refused(429, "rate_limit_exceeded", key=Key.TINY)) == ""
    assert "that its key has not" in rule_broken(refused(429, "rate_limit_exceeded"))


def test_an_error_without_an_envelope_is_found() -> None:
    trace = refused(500, "x")
    trace.parts = [(11.0, b"Internal Server Error")]
    assert "cannot be read" in rule_broken(trace)


def test_an_answer_without_a_request_id_is_found() -> None:
    trace = streamed(*good_events())
    trace.headers = {"content-type": "text/event-stream"}
    assert "has no request id" in rule_broken(trace)


def test_a_lost_connection_is_in_order_only_where_its_gateway_was_killed() -> None:
    trace = streamed(chunk("1.0"), end=End.DROPPED)
    assert rule_broken(trace, outages(("gateway-1", Verb.KILL, 10.5, 12.0))) == ""
    assert "was not killed" in rule_broken(trace, outages(("gateway-2", Verb.KILL, 10.5, 12.0)))
    assert "was not killed" in rule_broken(trace, outages(("gateway-1", Verb.TERM, 10.5, 12.0)))


def test_a_door_that_is_closed_is_in_order_only_while_its_gateway_is_away() -> None:
    trace = Trace(streamed().ask, 10.0, ended_s=10.1, refusals=["gateway-1"])
    assert rule_broken(trace, outages(("gateway-1", Verb.TERM, 9.0, 12.0))) == ""
    assert "was not let in by gateway-1" in rule_broken(trace)


def test_a_request_without_an_end_is_found() -> None:
    assert "has no end" in rule_broken(streamed(chunk("1.0"), end=End.LATE))


def test_a_client_that_leaves_breaks_no_rule() -> None:
    assert rule_broken(streamed(chunk("1.0"), end=End.LEFT)) == ""
