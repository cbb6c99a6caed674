"""Replicas that have failed are set aside for a while: longer each time, until they answer again.

Only requests say whether a replica works: a health check that succeeds lets nobody back in.
"""

import math
from dataclasses import dataclass

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


@dataclass(slots=True)
class _Trouble:
    failures: int = 0  # in a row
    until_s: float = -math.inf


class Breakers:
    """One circuit breaker for each replica. Times are of a monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}

    def failed(self, replica_id: str, *, now_s: float) -> None:
        """A request failed there by the replica's fault."""
        trouble = self._troubles.setdefault(replica_id, _Trouble())
        trouble.failures += 1
        trouble.until_s = now_s + min(FIRST_PAUSE_S * 2 ** (trouble.failures - 1), LONGEST_PAUSE_S)

    def answered(self, replica_id: str, *, now_s: float, ttft_s: float) -> None:
        """A request was answered there, its first byte after `ttft_s`."""
        self._troubles.pop(replica_id, None)

    def opens_s(self, replica_id: str) -> float:
        """When the replica may be tried again: -inf when nothing is wrong with it."""
        trouble = self._troubles.get(replica_id)
        return -math.inf if trouble is None else trouble.until_s

    def keep_only(self, ids: set[str]) -> None:
        """Forget replicas that are gone."""
        self._troubles = {id_: trouble for id_, trouble in self._troubles.items() if id_ in ids}
