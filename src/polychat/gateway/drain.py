"""How fast a model works off its requests: measured, to tell who waits how long it will take."""

import math
from dataclasses import dataclass

MEMORY_S = 10.0  # of waiting; what was measured before counts less and less
MIN_FINISHED = 3.0  # before so many have ended, nothing is known
LONGEST_RETRY_S = 60  # clients of OpenAI take no longer advice
SMOOTHING = 0.1


@dataclass(slots=True)
class _Mean:
    """A running mean, and how far single values are from it. Source: RFC 6298, where it times packets."""

    mean_s: float = math.nan
    deviation_s: float = 0.0

    def add(self, value_s: float) -> None:
        if math.isnan(self.mean_s):
            self.mean_s, self.deviation_s = value_s, value_s / 2
            return
        off_s = value_s - self.mean_s
        self.mean_s += SMOOTHING * off_s
        self.deviation_s += SMOOTHING * (abs(off_s) - self.deviation_s)


class Drain:
    """The requests of one model that have ended. Times are of a monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._num_finished = 0.0  # while others waited, the older the less it counts
        self._over_s = 0.0  # the time that these took, counted likewise
        self._last_s = math.nan  # when the last of these ended
        self._duration = _Mean()
        self._first = {True: _Mean(), False: _Mean()}  # by whether it streams

    def finished(
        self, *, now_s: float, took_s: float, first_s: float, is_stream: bool, others_wait: bool
    ) -> None:
        """A request was answered: its first byte after `first_s`, its end after `took_s`."""
        self._duration.add(took_s)
        self._first[is_stream].add(first_s)
        if not math.isnan(self._last_s):
            gap_s = now_s - self._last_s
            kept = math.exp(-gap_s / MEMORY_S)
            self._num_finished = self._num_finished * kept + 1
            self._over_s = self._over_s * kept + gap_s
        self._last_s = now_s if others_wait else math.nan

    def wait_s(self, num_ahead: float, *, num_running: int, now_s: float) -> float | None:
        """How long a request will wait that has so many ahead of it; None when nothing is known yet."""
        rate = self._rate(num_running, now_s)
        return (num_ahead + 1) / rate if rate else None

    def first_byte_s(self, *, is_stream: bool) -> float:
        """Within what time from its being sent nearly every request has its first byte; 0.0: not known."""
        first = self._first[is_stream]
        return 0.0 if math.isnan(first.mean_s) else first.mean_s + 2 * first.deviation_s

    def retry_after_s(self, num_waiting: int, *, num_running: int, now_s: float, chance: float) -> int:
        """When those that wait now will have gone; later by up to half, by `chance` (0 to 1)."""
        wait_s = self.wait_s(num_waiting, num_running=num_running, now_s=now_s) or 1.0
        return min(LONGEST_RETRY_S, max(1, math.ceil(wait_s * (1 + chance / 2))))

    def _rate(self, num_running: int, now_s: float) -> float:
        """Requests a second. Of those that ended while others waited: else it is how fast they come."""
        if self._num_finished >= MIN_FINISHED:
            silent_s = 0.0 if math.isnan(self._last_s) else max(0.0, now_s - self._last_s)
            measured = self._num_finished / self._over_s if self._over_s else math.inf
            return min(measured, (self._num_finished + 1) / (self._over_s + silent_s or math.inf))
        if math.isnan(self._duration.mean_s) or not self._duration.mean_s:
            return 0.0
        return num_running / self._duration.mean_s
