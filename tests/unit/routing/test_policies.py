import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from polychat.routing.policies import POLICIES, Candidate, least_loaded, lottery, two_choices
from polychat.routing.replica import Replica
from polychat.types import Load


def candidate(name: str, *, in_flight: int = 0, running: int = 0, kv_cache_usage: float = 0.0) -> Candidate:
    load = Load(running=running, kv_cache_usage=kv_cache_usage)
    return Candidate(Replica(name, f"http://{name}", ("m",), "echo", frozenset(), load=load), in_flight)


candidates = st.lists(
    st.builds(candidate, st.uuids().map(str), in_flight=st.integers(0, 50), running=st.integers(0, 50)),
    min_size=1,
    max_size=8,
)


def test_least_loaded_picks_the_replica_with_fewest_unfinished_requests() -> None:
    idle, busy = candidate("idle"), candidate("busy", running=9)
    assert least_loaded([busy, idle], random.Random(0)) is idle.replica


def test_least_loaded_breaks_ties_by_kv_cache_usage() -> None:
    full, empty = candidate("full", kv_cache_usage=0.9), candidate("empty", kv_cache_usage=0.1)
    assert least_loaded([full, empty], random.Random(0)) is empty.replica


def test_what_this_gateway_has_in_flight_counts_although_no_report_shows_it_yet() -> None:
    stale, known = candidate("stale", in_flight=5), candidate("known", running=1)
    assert least_loaded([stale, known], random.Random(0)) is known.replica


def test_a_request_both_in_flight_and_reported_counts_once() -> None:
    assert candidate("a", in_flight=3, running=3).unfinished == 3


def test_lottery_gives_equal_replicas_equal_shares() -> None:
    chance, pair = random.Random(7), [candidate("a"), candidate("b")]
    drawn = Counter(lottery(pair, chance).id for _ in range(1000))
    assert 400 < drawn["a"] < 600


def test_two_choices_spreads_simultaneous_requests_evenly() -> None:
    chance, in_flight = random.Random(7), Counter({"a": 0, "b": 0, "c": 0})
    for _ in range(300):
        in_flight[two_choices([candidate(n, in_flight=c) for n, c in in_flight.items()], chance).id] += 1
    assert max(in_flight.values()) - min(in_flight.values()) <= 3


@given(candidates, st.sampled_from(sorted(POLICIES)))
def test_every_policy_picks_one_of_the_replicas_it_was_given(some: list[Candidate], name: str) -> None:
    assert POLICIES[name](some, random.Random(1)) in [c.replica for c in some]


@given(candidates)
def test_two_choices_never_picks_the_single_most_loaded_of_several(some: list[Candidate]) -> None:
    loads = sorted(c.unfinished for c in some)
    if len(loads) > 1 and loads[-1] > loads[-2]:
        worst = max(some, key=lambda c: c.unfinished)
        assert two_choices(some, random.Random(3)) is not worst.replica
