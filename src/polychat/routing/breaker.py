"""Replicas that have failed are set aside for a while: longer each time, until they answer again.

Only requests say whether a replica works: a health check that succeeds lets nobody back in. When the time is
over, one request is let through to see; the others follow once it has been answered. A replica much slower
than its peers is outvoted: it is set aside like one that fails, as long as a faster one is there.
"""

import math
import statistics
from dataclasses import dataclass

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SLOW_FACTOR = 5.0  # times the median of its peers
SLOW_AT_LEAST_S = 1.0  # a first token sooner than that is never slow
SLOW_PAUSE_S = 5.0
_MEMORY = 0.3  # of a moving average: the newest answer's weight
_MIN_ANSWERS = 5  # before anything is said of a replica's speed


@dataclass(slots=True)
class _Trouble:
    failures: int = 0  # in a row
    since_s: float = -math.inf  # the last failure
    until_s: float = -math.inf  # set aside until then

    @property
    def pause_s(self) -> float:
        return float(min(FIRST_PAUSE_S * 2 ** min(self.failures - 1, 10), LONGEST_PAUSE_S))


@dataclass(slots=True)
class _Pace:
    model: str
    ttft_s: float = 0.0  # moving average
    num_answers: int = 0
    until_s: float = -math.inf  # outvoted until then


class Breakers:
    """One circuit breaker for each replica. Times are of a monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}
        self._paces: dict[str, _Pace] = {}
        self._outvoted_until_s = -math.inf  # the last one

    def begin(self, replica_id: str, *, now_s: float) -> None:
        """A request goes there; to one that has failed it goes alone, to see whether it answers."""
        if trouble := self._troubles.get(replica_id):
            trouble.until_s = max(trouble.until_s, now_s + trouble.pause_s)

    def failed(self, replica_id: str, *, began_s: float, now_s: float) -> None:
        """A request that began at `began_s` failed there by the replica's fault.

        Those that were there together fail together: they count as one.
        """
        trouble = self._troubles.setdefault(replica_id, _Trouble())
        if trouble.failures and began_s < trouble.since_s:
            return
        trouble.failures += 1
        trouble.since_s = now_s
        trouble.until_s = now_s + trouble.pause_s

    def answered(
        self, replica_id: str, *, now_s: float, model: str = "", ttft_s: float | None = None
    ) -> None:
        """A request was answered there; `ttft_s` after it was sent, if that says how fast the replica is."""
        self._troubles.pop(replica_id, None)
        if ttft_s is not None:
            self._note_pace(replica_id, model, ttft_s, now_s)

    def is_quiet(self, *, now_s: float) -> bool:
        """Whether nothing is wrong with any replica."""
        return not self._troubles and self._outvoted_until_s <= now_s

    def opens_s(self, replica_id: str) -> float:
        """When the replica may be tried again: -inf when nothing is wrong with it."""
        trouble, pace = self._troubles.get(replica_id), self._paces.get(replica_id)
        return max(trouble.until_s if trouble else -math.inf, pace.until_s if pace else -math.inf)

    def failures(self, replica_id: str) -> int:
        """Failures in a row; 0 for one that answers."""
        trouble = self._troubles.get(replica_id)
        return trouble.failures if trouble else 0

    def keep_only(self, ids: set[str]) -> None:
        """Forget replicas that are gone."""
        self._troubles = {id_: trouble for id_, trouble in self._troubles.items() if id_ in ids}
        self._paces = {id_: pace for id_, pace in self._paces.items() if id_ in ids}

    def _note_pace(self, replica_id: str, model: str, ttft_s: float, now_s: float) -> None:
        pace = self._paces.setdefault(replica_id, _Pace(model, ttft_s))
        pace.ttft_s += _MEMORY * (ttft_s - pace.ttft_s)
        pace.num_answers += 1
        if ttft_s < SLOW_AT_LEAST_S or pace.num_answers < _MIN_ANSWERS:
            return
        peers = [
            other.ttft_s
            for id_, other in self._paces.items()
            if id_ != replica_id and other.model == model and other.num_answers >= _MIN_ANSWERS
        ]
        if peers and pace.ttft_s > SLOW_FACTOR * max(statistics.median(peers), SLOW_AT_LEAST_S / SLOW_FACTOR):
            pace.until_s = self._outvoted_until_s = now_s + SLOW_PAUSE_S
