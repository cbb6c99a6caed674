"""Whether `polychat simulate` says what happens: the same requests on real processes and in virtual time.

    python -m benchmarks.simulate_validation [--quick]

Starts a controller, four echo workers of known speed and few slots, and a gateway. A list of requests, each
with its time and its length, is sent through the gateway and given to the simulation. Printed: throughput,
TTFT and latency of both, and their ratio; the goal is within 15 %. Linux only.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.processes import free_ports, polychat, wait_for, wait_for_model
from polychat.bench.arrivals import Arrivals
from polychat.bench.load import Load, Plan
from polychat.bench.simulate.figures import Figures, figures
from polychat.bench.simulate.replica import Engine
from polychat.bench.simulate.request import Talk
from polychat.bench.simulate.workload import Arrival
from polychat.bench.simulate.world import Setting, World
from polychat.bench.stats import Slo, Summary, summary
from polychat.bench.target import Target
from polychat.bench.workload import Conversation, Turn

NUM_REPLICAS, SLOTS, TOKENS_PER_S = 4, 4, 40.0
MEAN_TOKENS = 30
RATES = (12.0, 18.0, 24.0)  # requests per second; 21 are what the slots can do
SEED = 6


@dataclass(frozen=True)
class Wanted:
    """One request: when, and how many tokens its answer has."""

    at_s: float
    tokens: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="One load, and fewer requests.")
    is_quick = parser.parse_args().quick
    controller, api, *workers = free_ports(2 + NUM_REPLICAS)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        process = stack.enter_context(polychat("controller", "--port", str(controller), home=home))
        wait_for(f"http://127.0.0.1:{controller}/health", process, home / "controller.log")
        told = ("--controller-address", f"http://127.0.0.1:{controller}")
        for port in workers:
            echo = ("--engine", "echo", "--model-names", "echo", "--slots", str(SLOTS))
            speed = ("--echo-tokens-per-s", str(TOKENS_PER_S), "--port", str(port))
            stack.enter_context(polychat("worker", *echo, *speed, *told, home=home))
        stack.enter_context(polychat("api", "--port", str(api), *told, home=home))
        wait_for_model(api, "echo")
        for rate in RATES[1:2] if is_quick else RATES:
            compare(rate, f"http://127.0.0.1:{api}/v1", num=120 if is_quick else 360)


def compare(rate: float, url: str, *, num: int) -> None:
    """Both ways, and what they say."""
    chance, times = random.Random(SEED), Arrivals(rate).times_s(random.Random(SEED))
    wanted = [Wanted(next(times), max(2, int(chance.expovariate(1 / MEAN_TOKENS)))) for _ in range(num)]
    real, simulated = asyncio.run(sent(wanted, url)), in_virtual_time(wanted)
    print(
        f"{rate:g} requests/s, {num} requests, "
        f"{statistics.fmean(each.tokens for each in wanted):.1f} tokens each"
    )
    pairs = {
        "requests/s": (real.requests_per_s, simulated.requests_per_s),
        "TTFT p50 ms": (1000 * real.spreads["ttft"].percentiles[50], 1000 * simulated.ttft_p50_s),
        "TTFT p90 ms": (1000 * real.spreads["ttft"].percentiles[90], 1000 * simulated.ttft_p90_s),
        "E2E p50 ms": (1000 * real.spreads["e2e"].percentiles[50], 1000 * simulated.e2e_p50_s),
    }
    for name, (measured, said) in pairs.items():
        print(f"  {name:12} real {measured:9.1f}  simulated {said:9.1f}  ratio {said / measured:5.2f}")


async def sent(wanted: list[Wanted], url: str) -> Summary:
    """Through the gateway; the echo engine says as many words as it is asked for."""
    conversations = [
        Conversation([Turn(" ".join(["word"] * each.tokens), each.tokens)], starts_s=each.at_s)
        for each in wanted
    ]
    load = Load(Target(url, "echo"), Plan(is_trace=True, num_requests=len(wanted)))
    run = await load.run(iter(conversations))
    seen = summary(run, Slo())
    if seen.errors:
        raise SystemExit(f"requests failed: {seen.errors}")
    return seen


def in_virtual_time(wanted: list[Wanted]) -> Figures:
    """The same for formulas."""
    engine = Engine(
        prefill_tokens_per_s=1e6, step_s=1 / TOKENS_PER_S, step_each_s=0.0, slots=SLOTS, overhead_s=0.002
    )
    world = World(Setting(num_replicas=NUM_REPLICAS, engine=engine, num_requests=len(wanted)))
    world.run(
        Arrival(each.at_s, Talk((), number, 0, 1), each.tokens * 5, each.tokens)
        for number, each in enumerate(wanted)
    )
    return figures(world)


if __name__ == "__main__":
    main()
