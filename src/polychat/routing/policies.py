"""Routing policies: pure functions from what is known of the free replicas to the one that gets the request.

To add a policy: write one function below and give it a name in POLICIES. It must not
await, log or keep state; the caller guarantees that there is at least one node.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import xxhash
from msgspec import Struct

from polychat.routing.ask import NOTHING, Ask
from polychat.routing.node import Node

_AS_GOOD = 1.02  # times the best: measured rates are no more exact


class Choice(Struct, gc=False):
    """One request, and the nodes that may get it."""

    nodes: Sequence[Node]
    chance: random.Random
    ask: Ask = NOTHING
    held_bytes: Mapping[int, int] = MappingProxyType(
        {}
    )  # number of a node -> of the prompt, sent there before

    def costs_s(self) -> list[float]:
        """Of each node, the engine seconds that the request costs itself and the others there."""
        size_bytes, held = self.ask.size_bytes, self.held_bytes.get
        return [
            node.prefill_s_per_byte
            * ((size_bytes - held(node.number, 0) * node.trust) * (1 + node.unfinished) + node.pending_bytes)
            + node.decode_each_s * (1 + 2 * node.unfinished)
            for node in self.nodes
        ]


Policy = Callable[[Choice], Node]


def least_loaded(choice: Choice) -> Node:
    """The node with the fewest unfinished requests; of those the one with the emptiest KV cache."""
    return min(choice.nodes, key=_load)


def two_choices(choice: Choice) -> Node:
    """The less loaded of two nodes picked at random.

    Unlike `least_loaded`, it does not stampede one node when load reports are stale.
    Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
    """
    if len(choice.nodes) == 1:
        return choice.nodes[0]
    return min(choice.chance.sample(choice.nodes, k=2), key=_load)


def round_robin(choice: Choice) -> Node:
    """The node that has been waiting for a request the longest."""
    return min(choice.nodes, key=_turn)


def lottery(choice: Choice) -> Node:
    """Any node, as likely as its weight says: FastChat's `lottery`, whose weights are the workers' speeds."""
    weights = [node.replica.weight for node in choice.nodes]
    return choice.chance.choices(choice.nodes, weights)[0]


def session(choice: Choice) -> Node:
    """The same node for all requests of a session, as long as it is there; any for those that name none.

    When nodes come and go, only the sessions of those move. Source: Thaler and Ravishankar, "A Name-Based
    Mapping Scheme for Rendezvous", 1996.
    """
    name = choice.ask.session
    if not name:
        return two_choices(choice)
    seed = xxhash.xxh3_64_intdigest(name.encode())
    return max(choice.nodes, key=lambda node: _together(node, seed))


def cache_aware(choice: Choice) -> Node:
    """The node at which the request costs everybody the least engine time.

    The prefill of what is not in the KV cache holds up those that decode there, so it counts once for each of
    them; prefills that wait there hold up this one. In the batch each request makes the others' steps longer
    by what one more costs, which is measured, and theirs make its own longer. So a node that holds the prompt
    is preferred until so many requests are there that prefilling elsewhere is quicker. Of idle nodes that are
    as good, what begins alike gets the same one, whichever gateway chooses.
    """
    if len(choice.nodes) == 1:
        return choice.nodes[0]
    costs_s = choice.costs_s()
    limit_s = min(costs_s) * _AS_GOOD
    best = [node for node, cost_s in zip(choice.nodes, costs_s, strict=True) if cost_s <= limit_s]
    if len(best) == 1:
        return best[0]
    if not choice.ask.blocks or any(node.unfinished for node in best):
        return min(best, key=_load)
    seed = choice.ask.blocks[0]
    return max(best, key=lambda node: _together(node, seed))


def _load(node: Node) -> tuple[int, float, int]:
    return node.unfinished, node.replica.load.kv_cache_usage, node.last_sent


def _turn(node: Node) -> int:
    return node.last_sent


def _together(node: Node, seed: int) -> int:
    """A number that depends on the pair alone: all who know both agree on it."""
    mixed = (node.rank ^ seed) * 0x9E3779B97F4A7C15
    return (mixed ^ (mixed >> 29)) & 0xFFFFFFFFFFFFFFFF


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "cache_aware": cache_aware,
        "two_choices": two_choices,
        "least_loaded": least_loaded,
        "shortest_queue": least_loaded,  # FastChat's name
        "round_robin": round_robin,
        "lottery": lottery,
        "session": session,
    }
)
DEFAULT = "cache_aware"
