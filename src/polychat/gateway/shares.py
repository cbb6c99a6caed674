"""Whose work an engine's time was: each second is shared evenly among the requests that ran there.

By a virtual clock for each replica that runs at 1/n of the wall's while n requests run: a request's share is
what it shows at its end less what it showed at its begin, so each event costs the same however many run.
Source: Parekh and Gallager, "A Generalized Processor Sharing Approach to Flow Control", 1993.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class _Clock:
    num_running: int
    shown_s: float
    since_s: float  # when it was last looked at

    def turn(self, now_s: float) -> float:
        """What it shows now."""
        self.shown_s += (now_s - self.since_s) / self.num_running
        self.since_s = now_s
        return self.shown_s


class Shares:
    """The time of every replica at which something runs."""

    def __init__(self) -> None:
        self._clocks: dict[str, _Clock] = {}

    def begin(self, replica_id: str, *, now_s: float) -> float:
        """A request begins there; give what this returns to `end`."""
        clock = self._clocks.get(replica_id)
        if clock is None:
            self._clocks[replica_id] = _Clock(1, 0.0, now_s)
            return 0.0
        shown_s = clock.turn(now_s)
        clock.num_running += 1
        return shown_s

    def so_far(self, replica_id: str, begun_s: float, *, now_s: float) -> float:
        """The share in seconds of a request that still runs there."""
        return self._clocks[replica_id].turn(now_s) - begun_s

    def end(self, replica_id: str, begun_s: float, *, now_s: float) -> float:
        """The share in seconds of a request that has ended there."""
        clock = self._clocks[replica_id]
        share_s = clock.turn(now_s) - begun_s
        clock.num_running -= 1
        if not clock.num_running:
            del self._clocks[replica_id]
        return share_s
