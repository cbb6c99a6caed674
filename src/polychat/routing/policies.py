"""Routing policies: pure functions from the ready replicas to the one that gets the request.

To add a policy: write one function below and give it a name in POLICIES. It must not
await, log or keep state; the caller guarantees that `candidates` is not empty.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from polychat.routing.replica import Replica


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready replica and what this gateway knows of it that its last load report cannot."""

    replica: Replica
    in_flight: int  # requests this gateway has sent there and not seen the end of

    @property
    def unfinished(self) -> int:
        """Requests at the replica. A report is up to a second old, so our own count is the floor."""
        load = self.replica.load
        return max(self.in_flight, load.running + load.waiting)


Policy = Callable[[Sequence[Candidate], random.Random], Replica]
"""(ready replicas, source of chance) -> chosen replica"""


def least_loaded(candidates: Sequence[Candidate], chance: random.Random) -> Replica:
    """The replica with the fewest unfinished requests; ties go to the emptier KV cache."""
    best = min(candidates, key=lambda c: (c.unfinished, c.in_flight, c.replica.load.kv_cache_usage))
    return best.replica


def two_choices(candidates: Sequence[Candidate], chance: random.Random) -> Replica:
    """The less loaded of two replicas picked at random.

    Unlike `least_loaded`, it does not stampede one replica when load reports are stale.
    Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
    """
    if len(candidates) == 1:
        return candidates[0].replica
    return least_loaded(chance.sample(candidates, k=2), chance)


def lottery(candidates: Sequence[Candidate], chance: random.Random) -> Replica:
    """Any replica, all equally likely: what FastChat calls `lottery` when workers report equal speeds."""
    return chance.choice(candidates).replica


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "two_choices": two_choices,
        "least_loaded": least_loaded,
        "shortest_queue": least_loaded,  # FastChat's name
        "lottery": lottery,
    }
)
