"""How many requests a replica takes."""

import pytest

from polychat.gateway.places import UNKNOWN_SLOTS, Places, with_overlap
from polychat.routing.replica import Outside, Replica, ReplicaState
from polychat.types import Endpoint, Load


def replica(load: Load, outside: Outside | None = None) -> Replica:
    endpoints = frozenset({Endpoint.CHAT})
    return Replica("a", "http://a", ("m",), "fake", endpoints, ReplicaState.READY, load, outside=outside)


def filled(places: Places, seen: Replica) -> int:
    """How many more it takes."""
    num_begun = 0
    while places.is_free(seen):
        places.begin("a")
        num_begun += 1
        assert num_begun < 10_000
    return num_begun


def test_an_engine_gets_what_it_computes_at_once_and_a_few_to_follow() -> None:
    assert filled(Places(), replica(Load(slots=8))) == with_overlap(8) == 9
    assert filled(Places(), replica(Load(slots=1))) == 2


def test_each_request_that_ends_makes_room_for_one_although_the_last_report_knows_nothing_of_it() -> None:
    places, full = Places(), replica(Load(running=8, waiting=1, slots=8))
    filled(places, replica(Load(slots=8)))
    assert not places.is_free(full)
    places.end("a")
    assert filled(places, full) == 1


def test_what_others_send_there_takes_room() -> None:
    places = Places()
    assert filled(places, replica(Load(running=5, slots=8))) == with_overlap(8) - 5 + 1


def test_with_too_much_there_each_gateway_keeps_its_part_of_the_room() -> None:
    places = Places()
    filled(places, replica(Load(slots=8)))
    crowded = replica(Load(running=8, waiting=10, slots=8))
    assert not places.is_free(crowded)
    for _ in range(5):
        places.end("a")
    assert filled(places, crowded) == 0
    places.end("a")
    assert filled(places, crowded) == 1


def test_a_gateway_that_has_nothing_there_may_always_send_one() -> None:
    assert filled(Places(), replica(Load(running=8, waiting=50, slots=8))) == 1


def test_two_gateways_come_to_even_shares() -> None:
    sides, counts, report = (Places(), Places()), [0, 0], replica(Load(slots=8))
    for _ in range(60):
        for side, places in enumerate(sides):
            counts[side] += filled(places, report)
        report = replica(Load(running=min(8, sum(counts)), waiting=max(0, sum(counts) - 8), slots=8))
        for side, places in enumerate(sides):
            places.is_free(report)  # it hears of the report before anything ends
            for _ in range(counts[side] // 2):
                places.end("a")
                counts[side] -= 1
    assert abs(counts[0] - counts[1]) <= 1
    assert sum(counts) <= with_overlap(8)


def test_an_engine_that_does_not_tell_its_slots_is_filled_until_requests_wait_in_it() -> None:
    places, num_here = Places(), with_overlap(UNKNOWN_SLOTS)
    assert filled(places, replica(Load())) == num_here
    crowded = replica(Load(running=40, waiting=num_here - 40))
    while not places.is_free(crowded):
        places.end("a")
        num_here -= 1
    assert num_here == with_overlap(40) - 1
    assert filled(places, replica(Load(running=40))) == with_overlap(50) - num_here


def test_a_provider_has_only_the_limits_that_it_was_given() -> None:
    places, provider = Places(), replica(Load(), outside=Outside("p"))
    for _ in range(2000):
        places.begin("a")
    assert places.is_free(provider)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_replica_that_is_gone_is_forgotten_once_its_last_request_has_ended(is_there: bool) -> None:
    places = Places()
    if is_there:
        places.begin("a")
    places.keep_only(set())
    if is_there:
        places.end("a")
    assert filled(places, replica(Load(slots=1))) == 2
