"""Counts of calls as plain numbers: cheap to add to, and Prometheus' families once somebody asks for them.

Adding to prometheus_client's own counters takes a lock and several calls for each number.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import add

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

Labels = tuple[str | int, ...]


class Seconds:
    """A histogram of times."""

    __slots__ = ("bounds", "counts", "total_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)  # by bucket, each for itself; the last has no bound
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total_s += seconds

    def add(self, other: "Seconds") -> None:
        self.counts = list(map(add, self.counts, other.counts))
        self.total_s += other.total_s


def counters(name: str, what: str, labels: str, values: Mapping[Labels, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"polychat_{name}", what, labels=labels.split())
    for at, value in values.items():
        family.add_metric(list(map(str, at)), value)
    return family


def histograms(
    name: str, what: str, labels: str, values: Iterable[tuple[Labels, Seconds]]
) -> HistogramMetricFamily:
    """One for each set of labels: those that share one are added up."""
    family = HistogramMetricFamily(f"polychat_{name}_seconds", what, labels=labels.split())
    sums: dict[Labels, Seconds] = {}
    for at, seconds in values:
        sums.setdefault(at, Seconds(seconds.bounds)).add(seconds)
    for at, summed in sums.items():
        bounds = [*map(floatToGoString, summed.bounds), "+Inf"]
        cumulative = accumulate(summed.counts)
        family.add_metric(list(map(str, at)), list(zip(bounds, cumulative, strict=True)), summed.total_s)
    return family
