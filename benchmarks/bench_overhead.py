"""What `polychat bench` itself can send, beside wrk, which is written in C and looks at nothing it reads.

    python -m benchmarks.bench_overhead

Both ask the same mock engine, which costs next to nothing, over 16 connections, in turns: for small whole
answers, and `polychat bench` also for 64 streams of 50 tokens a second, whose TPOT is therefore 20 ms.
Printed: requests per second and CPU of each at the median of five rounds, and what the streams were measured
to be.
Needs wrk and a C compiler. Linux only.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.support import wrk
from benchmarks.support.chunk_client import MODEL, chat
from benchmarks.support.peers import mock_engine
from benchmarks.support.processes import cpu_s
from polychat.bench.load import Load, Plan, Run
from polychat.bench.stats import Slo, summary
from polychat.bench.target import Target
from polychat.bench.workload import Conversation, Turn

CONNECTIONS, STREAMS, PACE, TOKENS = 16, 64, 50, 100
ROUNDS, SECONDS = 5, 1.5
HELLO = Conversation([Turn("hello " * 50, 16)])


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as name, mock_engine(Path(name)) as (port, _):
        rounds = [(ours(port), theirs(port, Path(name))) for _ in range(ROUNDS)]
        for title, figures in (("polychat bench", [o for o, _ in rounds]), ("wrk", [t for _, t in rounds])):
            rates, costs = zip(*figures, strict=True)
            print(
                f"{title:14} {statistics.median(rates):9.0f} requests/s, "
                f"{statistics.median(costs):6.1f} us CPU each"
            )
        print(f"wrk sends {statistics.median(t[0] / o[0] for o, t in rounds):.0f} times as many")
        paced(port)


def ours(port: int) -> tuple[float, float]:
    """Requests per second, and microseconds of CPU for each."""
    cpu_before_s = time.process_time()
    run = sent(port, Plan(concurrency=CONNECTIONS, num_requests=None, duration_s=SECONDS), streams=False)
    used_s = time.process_time() - cpu_before_s
    return len(run.samples) / run.took_s, 1e6 * used_s / len(run.samples)


def theirs(port: int, folder: Path) -> tuple[float, float]:
    what = wrk.Load(port, "any", chat(tokens=16, stream=False), CONNECTIONS)
    with wrk.load(what, folder, seconds=SECONDS) as process:
        time.sleep(SECONDS - 0.2)  # it is gone with its CPU time soon after
        used_s = cpu_s(process.pid)
        num, errors = wrk.told(process)
    if errors:
        raise SystemExit(f"{errors} of wrk's requests failed")
    seconds = round(SECONDS + 0.5)
    return num / seconds, 1e6 * used_s / num * seconds / (SECONDS - 0.2)


def paced(port: int) -> None:
    """Streams of a known speed, as `polychat bench` measures them."""
    plan = Plan(concurrency=STREAMS, num_requests=2 * STREAMS)
    seen = summary(sent(port, plan, streams=True), Slo())
    tpot_ms = 1000 * seen.spreads["tpot"].percentiles[50]
    print(
        f"{STREAMS} streams at {PACE} tokens/s: TPOT p50 {tpot_ms:.2f} ms, p99 "
        f"{1000 * seen.spreads['tpot'].percentiles[99]:.2f} ms where it is {1000 / PACE:.0f}; "
        f"{seen.cpu_share:.0%} of a core, its clock late by {1000 * seen.lag_p99_s:.1f} ms at p99"
    )


def sent(port: int, plan: Plan, *, streams: bool) -> Run:
    target = Target(f"http://127.0.0.1:{port}/v1", MODEL, streams=streams)
    asked = Conversation([Turn(f"paced-{PACE} hello", TOKENS)]) if streams else HELLO
    run = asyncio.run(Load(target, plan).run(itertools.repeat(asked)))
    if failed := [sample.error for sample in run.samples if sample.error]:
        raise SystemExit(f"{len(failed)} requests failed: {failed[0]}")
    return run


if __name__ == "__main__":
    main()
