"""The same workload at one load after the other, and the one that is worth it."""

from collections.abc import Sequence
from dataclasses import dataclass

from polychat.bench.stats import Summary
from polychat.errors import SetupError


@dataclass(frozen=True, slots=True)
class Step:
    """One load, and what it brought."""

    load: float  # conversations at once, or requests per second
    summary: Summary


def loads(text: str, *, flag: str) -> list[float]:
    """Read "1,2,4,8".

    Raises:
        SetupError: these are no rising numbers above 0.
    """
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or found[0] <= 0 or sorted(set(found)) != found:
        raise SetupError(f"{flag} {text!r} are no rising numbers above 0, such as 1,2,4,8")
    return found


def knee(steps: Sequence[Step]) -> Step | None:
    """The load of the greatest power: goodput by latency. More load brings latency rather than answers.

    Source: Kleinrock, "Power and Deterministic Rules of Thumb for Probabilistic Problems in Computer
    Communications", 1979.
    """
    able = [step for step in steps if "e2e" in step.summary.spreads and step.summary.goodput_per_s]
    return max(able, key=_power, default=None)


def _power(step: Step) -> float:
    return step.summary.goodput_per_s / step.summary.spreads["e2e"].percentiles[50]
