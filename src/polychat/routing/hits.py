"""How much of the prompts at each replica was in its KV cache: gateways count, the controller adds up.

Gateways learn it from the token counts of answers, as no engine's load report tells it alike.
"""

from collections.abc import Mapping

import msgspec

FORGET_S = 60.0  # a gateway that has not been heard for so long has gone, and its counts with it


class Hits(msgspec.Struct, frozen=True):
    """Tokens of prompts, and of them those that needed no prefill; since the gateways' start."""

    prompt_tokens: int = 0
    cached_tokens: int = 0


class Told(msgspec.Struct, frozen=True):
    """What one gateway tells the controller now and then: its counts for each replica, by id."""

    gateway: str
    replicas: dict[str, Hits]


class Tally:
    """The counts of all gateways."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, Mapping[str, Hits]]] = {}

    def take(self, told: Told, *, now_s: float) -> None:
        """A gateway's counts, in place of those that it told before."""
        self._told[told.gateway] = now_s, told.replicas
        self._told = {name: each for name, each in self._told.items() if now_s - each[0] < FORGET_S}

    def of(self, replica_id: str) -> Hits:
        """All that is known of one replica."""
        each = [replicas[replica_id] for _, replicas in self._told.values() if replica_id in replicas]
        return Hits(sum(hits.prompt_tokens for hits in each), sum(hits.cached_tokens for hits in each))
