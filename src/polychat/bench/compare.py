"""Two runs side by side, and whether they differ by more than chance.

By a bootstrap: each run's requests are drawn anew a few hundred times, and the ratio of the medians is called
a difference only if 19 of 20 such ratios lie on one side of 1. Source: Efron, "Bootstrap Methods", 1979.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from polychat.bench.document import Document

_DRAWS = 400
_FIGURES = ("ttft_s", "tpot_s", "e2e_s")


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of two runs."""

    name: str
    one: float
    other: float
    verdict: str = ""

    @property
    def ratio(self) -> float:
        return self.other / self.one if self.one else float("nan")


def compared(one: Document, other: Document, seed: int = 0) -> list[Line]:
    """The first run of each; times in milliseconds at the median, rates as they are."""
    a, b, chance = one["runs"][0], other["runs"][0], random.Random(seed)
    lines = [
        Line(name, a["summary"][name], b["summary"][name])
        for name in ("requests_per_s", "goodput_per_s", "output_tokens_per_s")
    ]
    for figure in _FIGURES:
        xs, ys = _values(a, figure), _values(b, figure)
        if xs and ys:
            medians = statistics.median(xs) * 1000, statistics.median(ys) * 1000
            lines.append(Line(f"{figure.removesuffix('_s')} p50 ms", *medians, _verdict(xs, ys, chance)))
    failed = [sum(run["summary"]["errors"].values()) for run in (a, b)]
    return [*lines, Line("failed requests", *failed)]


def _values(run: Document, figure: str) -> list[float]:
    return [each[figure] for each in run["requests"] if not each["error"] and each[figure] is not None]


def _verdict(xs: Sequence[float], ys: Sequence[float], chance: random.Random) -> str:
    ratios = sorted(
        statistics.median(chance.choices(ys, k=len(ys)))
        / max(1e-12, statistics.median(chance.choices(xs, k=len(xs))))
        for _ in range(_DRAWS)
    )
    low, high = ratios[_DRAWS // 40], ratios[-_DRAWS // 40]
    if low > 1:
        return "slower"
    return "faster" if high < 1 else "within the noise"
