"""How much a gateway may send to servers that have limits: at once, and in a minute."""

import math
from collections import deque

from polychat.errors import ReplicaBusy
from polychat.routing.replica import Replica

MINUTE_S = 60.0


class Limits:
    """What has been sent to each replica that may take only so many requests in a minute."""

    def __init__(self) -> None:
        self._begun_s: dict[str, deque[float]] = {}  # replica id -> times of the last requests, oldest first

    def begin(self, replica: Replica, *, now_s: float) -> None:
        """A request goes to `replica` now."""
        if replica.outside is not None and replica.outside.requests_per_minute:
            begun_s = self._begun_s.get(replica.id)
            if begun_s is None:
                begun_s = self._begun_s[replica.id] = deque(maxlen=replica.outside.requests_per_minute)
            begun_s.append(now_s)

    def opens_s(self, replica: Replica, *, in_flight: int, now_s: float, share: float = 1.0) -> float:
        """When one more request may go to `replica`: in the past if now, never if one must end first.

        `in_flight`: of all processes; `share` of the requests in a minute is this process's.
        """
        outside = replica.outside
        if outside is None:
            return -math.inf
        if outside.max_concurrent and in_flight >= outside.max_concurrent:
            return math.inf
        begun_s = self._begun_s.get(replica.id)
        most = max(1, int(outside.requests_per_minute * share))
        if begun_s is None or len(begun_s) < most:
            return -math.inf
        return begun_s[-most] + MINUTE_S

    def keep_only(self, ids: set[str]) -> None:
        """Forget replicas that are gone."""
        self._begun_s = {id_: begun_s for id_, begun_s in self._begun_s.items() if id_ in ids}


def busy(replica: Replica, *, opens_in_s: float) -> ReplicaBusy:
    """The error for a request that must not go to `replica` for so long."""
    assert replica.outside is not None, "nothing else has limits"
    if math.isinf(opens_in_s):
        why = f"{replica.outside.max_concurrent} requests are running, as many as may at once"
        return ReplicaBusy(f"The model {replica.model!r} is busy: {why}.")
    why = f"{replica.outside.requests_per_minute} requests went to it within a minute, as many as may"
    return ReplicaBusy(f"The model {replica.model!r} is busy: {why}.", retry_after_s=math.ceil(opens_in_s))
