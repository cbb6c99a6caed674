"""What gateways tell of KV caches, added up."""

import random

from polychat.routing.ask import NOTHING
from polychat.routing.hits import FORGET_S, Hits, Tally, Told
from polychat.routing.replica import Replica
from polychat.routing.router import Router, Used

A = Replica("a", "http://a", ("m",), "echo", frozenset())


def test_the_counts_of_all_gateways_are_added_up() -> None:
    tally = Tally()
    tally.take(Told("one", {"a": Hits(100, 40)}), now_s=0.0)
    tally.take(Told("two", {"a": Hits(10, 10), "b": Hits(5, 0)}), now_s=1.0)
    assert tally.of("a") == Hits(110, 50)
    assert tally.of("c") == Hits()


def test_a_gateways_later_counts_replace_its_earlier_ones() -> None:
    tally = Tally()
    for told in (Hits(100, 40), Hits(150, 80)):
        tally.take(Told("one", {"a": told}), now_s=0.0)
    assert tally.of("a") == Hits(150, 80)


def test_a_gateway_that_has_gone_is_forgotten() -> None:
    tally = Tally()
    tally.take(Told("one", {"a": Hits(100, 40)}), now_s=0.0)
    tally.take(Told("two", {"a": Hits(1, 1)}), now_s=FORGET_S + 1)
    assert tally.of("a") == Hits(1, 1)


def test_a_router_counts_what_answers_tell_of_each_replica() -> None:
    router = Router("least_loaded", chance=random.Random(1))
    for used in (Used(100, 0, 5), Used(100, 80, 5), Used()):
        router.ended(router.sent(router.node(A), NOTHING), 0.1, used, now_s=1.0)
    assert router.hits() == {"a": Hits(200, 80)}
