"""What a simulation shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from polychat.bench.simulate.world import World
from polychat.bench.stats import percentile


@dataclass(frozen=True, slots=True)
class Figures:
    """One policy's outcome. Times in seconds."""

    policy: str
    num_ended: int
    num_lost: int  # never answered
    requests_per_s: float
    output_tokens_per_s: float
    ttft_p50_s: float
    ttft_p90_s: float
    ttft_p99_s: float
    e2e_p50_s: float
    hit_rate: float  # of the prompts' tokens, those in the KV cache
    jain: float  # fairness of the replicas' busy times: 1 when all are alike, 1/n when one does all
    most_by_mean: float  # requests at the replica that had the most, by the mean


def figures(world: World) -> Figures:
    """The figures of a simulation that has run."""
    ended = [request for request in world.requests if request.ended_s is not None]
    took_s = max((r.ended_s for r in ended if r.ended_s is not None), default=0.0) or 1e-9
    ttft = sorted(r.first_s - r.arrived_s for r in ended if r.first_s is not None)
    e2e = sorted(r.ended_s - r.arrived_s for r in ended if r.ended_s is not None)
    prompt = sum(request.prompt_tokens for request in ended)
    done = [replica.num_done for replica in world.replicas]
    return Figures(
        policy=world.setting.policy,
        num_ended=len(ended),
        num_lost=len(world.requests) - len(ended),
        requests_per_s=len(ended) / took_s,
        output_tokens_per_s=sum(request.output_tokens for request in ended) / took_s,
        ttft_p50_s=percentile(ttft, 50) if ttft else 0.0,
        ttft_p90_s=percentile(ttft, 90) if ttft else 0.0,
        ttft_p99_s=percentile(ttft, 99) if ttft else 0.0,
        e2e_p50_s=percentile(e2e, 50) if e2e else 0.0,
        hit_rate=sum(request.cached_tokens for request in ended) / max(1, prompt),
        jain=_jain([replica.busy_s for replica in world.replicas]),
        most_by_mean=max(done) * len(done) / max(1, sum(done)),
    )


def _jain(shares: Sequence[float]) -> float:
    """Source: Jain, Chiu and Hawe, "A Quantitative Measure of Fairness", 1984."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0
