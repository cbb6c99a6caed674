"""What a run's samples say: percentiles, rates, goodput, and each kind of failure counted by itself."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from polychat.bench.load import Run
from polychat.bench.sample import Sample
from polychat.errors import SetupError

PERCENTS = (50, 90, 95, 99)
_UNITS_S = {"ms": 0.001, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Slo:
    """What a request must meet to count as good; None: it need not."""

    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None

    @classmethod
    def parsed(cls, text: str) -> "Slo":
        """Read "ttft:200ms,tpot:50ms,e2e:3s".

        Raises:
            SetupError: it is something else.
        """
        limits: dict[str, float] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.strip().partition(":")
            unit = "ms" if value.endswith("ms") else "s"
            try:
                limits[f"{name}_s"] = float(value.removesuffix(unit)) * _UNITS_S[unit]
                cls(**limits)
            except (ValueError, TypeError):
                raise SetupError(f"--slo {part!r} is no limit; write ttft:200ms,tpot:50ms,e2e:3s") from None
        return cls(**limits)

    def __str__(self) -> str:
        limits = (("TTFT", self.ttft_s), ("TPOT", self.tpot_s), ("E2E", self.e2e_s))
        told = [f"{name} {1000 * most:g} ms" for name, most in limits if most is not None]
        return ", ".join(told) or "none: every answer is good"

    def is_met(self, sample: Sample) -> bool:
        """Whether the request was answered, and in time."""
        pairs = ((self.ttft_s, sample.ttft_s), (self.tpot_s, sample.tpot_s), (self.e2e_s, sample.e2e_s))
        return not sample.error and all(most is None or seen is None or seen <= most for most, seen in pairs)


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one figure: mean, percentiles, maximum; in seconds."""

    mean: float
    percentiles: Mapping[int, float]
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(sum(ordered) / len(ordered), {q: percentile(ordered, q) for q in PERCENTS}, ordered[-1])


@dataclass(frozen=True, slots=True)
class Summary:
    """One run in figures. Failed requests are in `errors` and in no average."""

    num_requests: int
    num_good: int  # answered, within the SLO
    took_s: float
    errors: Mapping[str, int]
    requests_per_s: float
    goodput_per_s: float
    output_tokens_per_s: float
    prompt_tokens_per_s: float
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    is_estimate: bool
    spreads: Mapping[str, Spread] = field(default_factory=dict)  # ttft, tpot, itl, e2e
    cpu_share: float = 0.0
    lag_p99_s: float = 0.0

    @property
    def is_generator_slow(self) -> bool:
        """Whether the load generator may have been what was measured."""
        return self.cpu_share > 0.8 or self.lag_p99_s > 0.01


def summary(run: Run, slo: Slo) -> Summary:
    """What the run shows, its warm-up left out."""
    samples = [sample for sample in run.samples if not sample.is_warmup]
    answered = [sample for sample in samples if not sample.error]
    took_s = _took_s(samples)
    output = sum(sample.output_tokens for sample in answered)
    prompt = sum(sample.prompt_tokens for sample in answered)
    num_good = sum(slo.is_met(sample) for sample in answered)
    figures = {
        "ttft": [s.ttft_s for s in answered if s.ttft_s is not None],
        "tpot": [s.tpot_s for s in answered if s.tpot_s is not None],
        "itl": [gap for s in answered for gap in s.gaps_s],
        "e2e": [s.e2e_s for s in answered],
    }
    spreads = {name: Spread.of(values) for name, values in figures.items()}
    return Summary(
        num_requests=len(samples),
        num_good=num_good,
        took_s=took_s,
        errors=Counter(sample.error for sample in samples if sample.error),
        requests_per_s=len(answered) / took_s,
        goodput_per_s=num_good / took_s,
        output_tokens_per_s=output / took_s,
        prompt_tokens_per_s=prompt / took_s,
        prompt_tokens=prompt,
        cached_tokens=sum(sample.cached_tokens for sample in answered),
        output_tokens=output,
        is_estimate=any(sample.is_estimate for sample in answered),
        spreads={name: spread for name, spread in spreads.items() if spread is not None},
        cpu_share=run.cpu_share,
        lag_p99_s=run.lag_p99_s,
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """By linear interpolation between the closest ranks, as NumPy's default."""
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _took_s(samples: Sequence[Sample]) -> float:
    """From the first request sent to the last one's end."""
    if not samples:
        return 1e-9
    first_s = min(sample.sent_at_s for sample in samples)
    return max(1e-9, max(sample.sent_at_s + sample.e2e_s for sample in samples) - first_s)
