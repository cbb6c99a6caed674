"""Ways in which other routers went wrong, replayed."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from polychat.routing.ask import NOTHING, Ask, ask_of
from polychat.routing.policies import POLICIES
from polychat.routing.replica import Replica, ReplicaState
from polychat.routing.router import Router, Ticket, Used
from polychat.types import Load

LONG = ask_of(b"The system prompt that everybody shares. " * 200, seed="")
SPREADING = sorted(set(POLICIES) - {"session", "lottery"})


def replicas(num: int, *, load: Load | None = None) -> list[Replica]:
    return [
        Replica(
            f"r{n}", f"http://r{n}", ("m",), "echo", frozenset(), ReplicaState.READY, load or Load(slots=16)
        )
        for n in range(num)
    ]


def send(router: Router, known: Sequence[Replica], ask: Ask = NOTHING) -> Ticket:
    node = router.choose([router.node(replica) for replica in known], ask)
    return router.sent(node, ask, tells_first_token=True)


def counts(router: Router) -> list[int]:
    return sorted(router.in_flight.values())


@pytest.mark.parametrize("num", [2, 4, 8])
def test_a_hot_prefix_spills_before_its_replica_drowns(num: int) -> None:
    """sgl-project/sglang#14532: all requests share a prefix, and all went to one of the workers."""
    router, known = Router("cache_aware", chance=random.Random(1)), replicas(num)
    for _ in range(16 * num):
        send(router, known, LONG)
    assert len(counts(router)) == num
    assert max(counts(router)) <= 2 * 16


def test_a_hot_prefix_that_is_everywhere_is_spread_evenly() -> None:
    router, known = Router("cache_aware", chance=random.Random(1)), replicas(4)
    for replica in known:
        ticket = router.sent(router.node(replica), LONG, tells_first_token=True)
        router.ended(ticket, 0.1, Used(2000), now_s=1.0)
    for _ in range(64):
        router.first_token(send(router, known, LONG), 0.01, now_s=0.5)
    assert counts(router) == [16, 16, 16, 16]


@pytest.mark.parametrize("policy", ["cache_aware", "least_loaded"])
def test_a_report_of_no_load_does_not_reset_what_was_sent_meanwhile(policy: str) -> None:
    """vllm-project/router#197: each health check set the counters of load to zero."""
    router, known = Router(policy, chance=random.Random(1)), replicas(2)
    for _ in range(40):
        known = [
            replace(replica, load=Load(slots=16)) for replica in known
        ]  # a report between any two requests
        send(router, known)
    assert counts(router) == [20, 20]


@pytest.mark.parametrize("policy", SPREADING)
def test_a_replica_that_cannot_be_chosen_does_not_skew_the_choice_among_the_others(policy: str) -> None:
    """vllm-project/router#254: an idle unhealthy worker made the load look out of balance."""
    router, known = Router(policy, chance=random.Random(1)), replicas(4)
    for replica in known[1:]:
        for _ in range(3):
            router.sent(router.node(replica))
    for _ in range(30):
        send(router, known[1:])  # r0 is set aside, with nothing in flight
    assert max(counts(router)) - min(counts(router)) <= 4
    assert "r0" not in router.in_flight


@pytest.mark.parametrize("policy", ["cache_aware", "least_loaded", "two_choices"])
def test_two_gateways_with_reports_of_a_second_ago_do_not_stampede_one_replica(policy: str) -> None:
    """Each knows its own requests at once, and those of the other when a report has come."""
    routers = [Router(policy, chance=random.Random(n)) for n in range(2)]
    known = replicas(4)
    for _ in range(10):  # seconds
        for n in range(16):
            send(routers[n % 2], known)
        there = sum((router.in_flight for router in routers), Counter())
        known = [replace(each, load=Load(running=there[each.id], slots=64)) for each in known]
        for router in routers:
            for replica in known:
                router.node(replica)
    there = sum((router.in_flight for router in routers), Counter())
    assert max(there.values()) - min(there.values()) <= 8


def test_one_heartbeat_of_zero_does_not_draw_the_next_seven_requests() -> None:
    """FastChat's shortest queue: nothing was added between heartbeats, so all went to the same worker."""
    router = Router("shortest_queue", chance=random.Random(1))
    known = [replace(replica, load=Load(running=0 if n == 0 else 1)) for n, replica in enumerate(replicas(4))]
    homes = [send(router, known).node.replica.id for _ in range(7)]
    assert Counter(homes) == {"r0": 2, "r1": 1, "r2": 2, "r3": 2} or max(Counter(homes).values()) <= 3


def test_engines_that_forget_sooner_than_thought_lose_their_pull() -> None:
    router, known = Router("cache_aware", chance=random.Random(1)), replicas(2)
    warm = router.sent(router.node(known[0]), LONG, tells_first_token=True)
    router.ended(warm, 0.1, Used(2000, 1), now_s=1.0)
    for _ in range(40):
        ticket = router.sent(router.node(known[0]), LONG, tells_first_token=True)
        router.ended(ticket, 0.1, Used(2000, 0), now_s=1.0)
    assert router.node(known[0]).trust < 0.05
    for _ in range(60):
        ticket = router.sent(router.node(known[0]), LONG, tells_first_token=True)
        router.ended(ticket, 0.1, Used(2000, 2000), now_s=1.0)
    assert router.node(known[0]).trust > 0.9


def test_of_thousands_of_replicas_the_one_that_holds_the_prompt_is_found() -> None:
    router, known = Router("cache_aware", chance=random.Random(1)), replicas(3000)
    for replica in known:
        router.node(replica)
    ids = tuple(replica.id for replica in known)
    router.ended(router.sent(router.node(known[1234]), LONG), 0.1, Used(2000), now_s=1.0)
    few = router.few(ids, LONG)
    assert "r1234" in few
    assert len(few) <= 14
    assert len(set(few)) == len(few)


def test_a_gone_replicas_number_and_prompts_are_not_its_successors() -> None:
    router, known = Router("cache_aware", chance=random.Random(1)), replicas(2)
    router.ended(router.sent(router.node(known[0]), LONG), 0.1, now_s=1.0)
    router.keep_only({"r1"})
    new = replace(known[0], id="new")
    assert router.sent(router.node(new), LONG).held_bytes == 0
