"""Who gets the request, by each policy."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.routing.ask import Ask, ask_of
from polychat.routing.node import Node
from polychat.routing.pace import Pace
from polychat.routing.policies import POLICIES, Choice, Policy
from polychat.routing.policies import cache_aware as cache_aware_
from polychat.routing.policies import least_loaded as least_loaded_
from polychat.routing.policies import lottery as lottery_
from polychat.routing.policies import round_robin as round_robin_
from polychat.routing.policies import session as session_
from polychat.routing.policies import two_choices as two_choices_
from polychat.routing.replica import Replica
from polychat.types import Load

PROMPT = ask_of(b"You are a helpful assistant. " * 500, seed="")


def node(
    name: str,
    *,
    in_flight: int = 0,
    running: int = 0,
    kv_cache_usage: float = 0.0,
    number: int = 0,
) -> Node:
    load = Load(running=running, kv_cache_usage=kv_cache_usage)
    weight = 2.0 if name == "heavy" else 1.0
    replica = Replica(name, f"http://{name}", ("m",), "echo", frozenset(), load=load, weight=weight)
    made = Node(replica, number)
    for n in range(in_flight):
        made.begin(0.0, n)
    made.renew(replica)
    return made


def chosen(policy: Policy, *nodes: Node, ask: Ask | None = None, seed: int = 0, **held: int) -> str:
    """The id of the node that the policy chooses; `held`: bytes of the prompt by the node's name."""
    numbers = {each.replica.id: each.number for each in nodes}
    held_bytes = {numbers[name]: size for name, size in held.items()}
    return policy(Choice(nodes, random.Random(seed), ask or Ask(), held_bytes)).replica.id


nodes_ = st.lists(
    st.builds(node, st.uuids().map(str), in_flight=st.integers(0, 20), running=st.integers(0, 50)),
    min_size=1,
    max_size=8,
)


@given(nodes_, st.sampled_from(sorted(POLICIES)), st.sampled_from([Ask(), PROMPT, Ask(session="s")]))
def test_every_policy_chooses_one_of_the_nodes(nodes: list[Node], name: str, ask: Ask) -> None:
    assert POLICIES[name](Choice(nodes, random.Random(1), ask)) in nodes


def test_what_this_gateway_has_in_flight_counts_although_no_report_shows_it_yet() -> None:
    assert chosen(least_loaded_, node("stale", in_flight=5), node("known", running=1)) == "known"


def test_a_request_both_in_flight_and_reported_counts_once() -> None:
    assert node("a", in_flight=3, running=3).unfinished == 3


def test_of_two_as_busy_the_emptier_kv_cache_wins() -> None:
    full, empty = node("full", running=2, kv_cache_usage=0.9), node("empty", running=2, kv_cache_usage=0.1)
    assert chosen(least_loaded_, full, empty) == "empty"


def test_two_choices_levels_the_load() -> None:
    chance, nodes = random.Random(7), [node(name, number=n) for n, name in enumerate("abc")]
    for n in range(300):
        two_choices_(Choice(nodes, chance)).begin(0.0, n)
    counts = [each.in_flight for each in nodes]
    assert max(counts) - min(counts) <= 3


def test_round_robin_goes_round() -> None:
    nodes = [node(name) for name in "abc"]
    order = []
    for n in range(1, 7):
        found = round_robin_(Choice(nodes, random.Random()))
        found.begin(0.0, n)
        order.append(found.replica.id)
    assert order == list("abcabc")


def test_a_node_of_twice_the_weight_wins_the_lottery_twice_as_often() -> None:
    nodes, chance = [node("light"), node("heavy")], random.Random(3)
    won = Counter(lottery_(Choice(nodes, chance)).replica.id for _ in range(3000))
    assert won["heavy"] / won["light"] == pytest.approx(2.0, rel=0.15)


def test_a_session_stays_where_it_is_and_sessions_spread() -> None:
    nodes = [node(name) for name in "abcd"]
    homes = {str(n): chosen(session_, *nodes, ask=Ask(session=str(n)), seed=n) for n in range(400)}
    again = {str(n): chosen(session_, *reversed(nodes), ask=Ask(session=str(n))) for n in range(400)}
    assert homes == again
    assert min(Counter(homes.values()).values()) > 60


def test_only_the_sessions_of_a_node_that_goes_move() -> None:
    nodes = [node(name) for name in "abcd"]
    for n in range(200):
        ask = Ask(session=str(n))
        before, after = chosen(session_, *nodes, ask=ask), chosen(session_, *nodes[:3], ask=ask)
        assert after == before or before == "d"


def test_requests_without_a_session_go_to_the_less_loaded() -> None:
    assert chosen(session_, node("busy", in_flight=9), node("free")) == "free"


def test_cache_aware_goes_where_the_prompt_is() -> None:
    nodes = node("holder", in_flight=2, number=0), node("empty", number=1)
    assert chosen(cache_aware_, *nodes, ask=PROMPT, holder=PROMPT.size_bytes) == "holder"


def test_cache_aware_prefills_elsewhere_before_the_holder_drowns() -> None:
    nodes = node("holder", in_flight=60, number=0), node("empty", number=1)
    assert chosen(cache_aware_, *nodes, ask=PROMPT, holder=PROMPT.size_bytes) == "empty"


def test_cache_aware_without_any_prefix_takes_the_least_loaded() -> None:
    nodes = node("busy", in_flight=3, number=0), node("free", in_flight=1, number=1)
    assert chosen(cache_aware_, *nodes, ask=PROMPT) == "free"


def rated(slow_s: float, fast_s: float) -> list[Node]:
    """Two nodes whose prefills have taken so long, as often as it takes to believe it."""
    nodes, all_ = [node("slow", number=0), node("fast", number=1)], Pace()
    for _ in range(30):
        for each, engine_s in zip(nodes, (slow_s, fast_s), strict=True):
            for pace in (each.pace, all_):
                pace.learn_prefill(20_000, engine_s)
            each.keep_pace(all_)
    return nodes


def test_cache_aware_prefers_a_clearly_faster_engine() -> None:
    assert chosen(cache_aware_, *rated(4.0, 0.2), ask=PROMPT) == "fast"


def test_replicas_that_seem_a_little_slower_get_their_share_all_the_same() -> None:
    slow, fast = rated(1.1, 0.9)
    assert slow.prefill_s_per_byte == pytest.approx(fast.prefill_s_per_byte, rel=0.03)


def test_gateways_that_do_not_talk_send_the_same_beginning_to_the_same_node() -> None:
    def fresh() -> list[Node]:
        return [node(name, number=n) for n, name in enumerate("abcdefgh")]

    homes = set()
    for n in range(64):
        ask = ask_of(f"conversation {n}: ".encode() * 40, seed="")
        home = chosen(cache_aware_, *fresh(), ask=ask)
        assert chosen(cache_aware_, *reversed(fresh()), ask=ask, seed=9) == home
        homes.add(home)
    assert len(homes) == 8
