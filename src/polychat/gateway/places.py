"""How many requests a replica takes: as many as its engine computes at once, and a few to follow on.

What its engine cannot compute yet waits in the gateway, where it can be put in order, told how long it will
take, and sent elsewhere. The few more keep the engine at work while an answer's end travels here.
"""

import math

from polychat.gateway.shared_counts import ALONE, Counts
from polychat.routing.replica import Replica
from polychat.types import Load

UNKNOWN_SLOTS = 256  # of an engine that does not say, until requests are seen to wait in it
FORGET = 0.95  # of the most requests seen to run at once, with each report


def with_overlap(slots: int) -> int:
    """The most unfinished requests at an engine that computes `slots` at once."""
    return slots + max(1, slots // 8)


class Places:
    """The room at each replica. Reports are a second old at times, so what was sent since is counted here.

    Gateways of one host that count together fill a replica together. Each may have its even part there
    whatever the others have, for those with requests in line would take every place that becomes free.
    """

    def __init__(self, counts: Counts = ALONE) -> None:
        self._rooms: dict[str, _Room] = {}
        self._counts = counts
        self._is_alone = counts is ALONE

    def begin(self, replica_id: str) -> None:
        """One more of our requests is there, or is on its way."""
        room = self._room(replica_id)
        room.num_here += 1
        room.peak = max(room.peak, room.num_here + room.others)
        self._counts.begin(replica_id)

    def end(self, replica_id: str) -> None:
        """One of our requests there has ended."""
        room = self._room(replica_id)
        assert room.num_here > 0, "ends as often as it begins"
        room.num_here -= 1
        self._counts.end(replica_id)

    def is_free(self, replica: Replica) -> bool:
        """Whether one more may go there."""
        room = self._room(replica.id)
        if not self._is_alone:
            room.others = self._counts.others(replica.id)
        if replica.load is not room.load:
            room.take(replica.load, is_provider=bool(replica.outside and replica.outside.name))
        if room.num_here + room.others < room.limit:
            return True
        return bool(room.others) and room.num_here < max(1, room.limit // self._counts.num_processes)

    def others(self, replica_id: str) -> int:
        """Requests of other gateways of this host that were there when `is_free` was asked last."""
        return self._room(replica_id).others

    def keep_only(self, ids: set[str]) -> None:
        """Forget replicas that are gone, once nothing of ours is there."""
        self._rooms = {id_: room for id_, room in self._rooms.items() if id_ in ids or room.num_here}

    def _room(self, replica_id: str) -> "_Room":
        room = self._rooms.get(replica_id)
        if room is None:
            room = self._rooms[replica_id] = _Room()
        return room


class _Room:
    """What is known of one replica."""

    __slots__ = ("_guess", "_seen", "limit", "load", "num_here", "others", "peak")

    def __init__(self) -> None:
        self.load: Load | None = None  # the last report
        self.num_here = 0  # requests of this gateway
        self.others = 0  # and of those that count with it
        self.peak = 0  # the most of both since the last report
        self.limit = math.inf
        self._guess = UNKNOWN_SLOTS
        self._seen = 0  # the most requests that ran at once lately

    def take(self, load: Load, *, is_provider: bool) -> None:
        """A report has come."""
        self.load = load
        if is_provider and not load.slots:
            return  # its limits are in the settings
        self.limit = _own_limit(with_overlap(load.slots or self._guessed(load)), load, self.peak)
        self.peak = self.num_here + self.others

    def _guessed(self, load: Load) -> int:
        """The slots of an engine that does not tell: what ran while others waited, else a quarter more."""
        self._seen = max(load.running, int(self._seen * FORGET))
        if load.waiting:
            self._guess = max(1, self._seen)
        elif 2 * load.running >= self._guess:
            self._guess += max(1, self._guess // 4)
        self._guess = max(self._guess, load.running)
        return self._guess


def _own_limit(limit: int, load: Load, peak: int) -> int:
    """How many of `limit` this gateway may use, beside others that send there.

    What the engine reported beyond the most that this gateway can have had there is others'. While there is
    room, this gateway may use all that they leave and one more; when there is too much, every gateway cuts
    down its own in proportion, so that several come to even shares by and by (as TCP's senders do).
    """
    reported = load.running + load.waiting
    others = max(0, reported - peak)
    if not others:
        return limit
    if reported <= limit:
        return limit - others + 1
    return max(1, limit * peak // reported)
