"""Memory and file descriptors of every process of a whole platform under a steady load, and how they grow.

    python -m benchmarks.soak --minutes 60

A controller, two gateways, three echo workers and two with the built-in model answer requests of every route.
Every ten seconds each process' RSS and open files are noted. After the warm-up, a tenth of the time, the
slope is the median of all pairs of samples (Theil and Sen), which a step or peak does not move. Linux only.
"""

import argparse
import asyncio
import itertools
import os
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polychat.db import address
from tests.support.chaos import accounts, leftovers
from tests.support.chaos.asks import Mix
from tests.support.chaos.client import Client
from tests.support.chaos.history import Trace
from tests.support.chaos.layout import Layout
from tests.support.chaos.load import Load
from tests.support.chaos.site import Site, running

SAMPLE_EVERY_S = 10.0
MOST_MIB_PER_H = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process had at one time."""

    at_s: float
    rss_mib: float
    fds: int


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Growth per unit of time: the median of the slopes of all pairs.

    Source: Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", 1968.
    """
    pairs = itertools.combinations(points, 2)
    return statistics.median([(y - x) / (b - a) for (a, x), (b, y) in pairs])


async def soak(folder: Path, *, seconds: float, rate: float) -> bool:
    """Whether no process grew by more than the aim."""
    used = address.of_file(folder / "polychat.db")
    keyring = await accounts.made_keys(used)
    counts: Counter[str] = Counter()

    def told(trace: Trace) -> None:
        counts[f"{trace.end} {trace.status}"] += 1

    async with running(folder, Layout(links=())) as site:
        load = Load(Client(keyring.secrets, asyncio.get_running_loop().time), site.doors, told)
        loading = asyncio.create_task(load.run(Mix(1), rate=rate, seed=1))
        samples = await _sampled(site, seconds)
        loading.cancel()
        await load.ended()
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return _shown(samples, warm_up_s=seconds / 10)


async def _sampled(site: Site, seconds: float) -> dict[str, list[Sample]]:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    samples: dict[str, list[Sample]] = {}
    while loop.time() - began_s < seconds:
        await asyncio.sleep(SAMPLE_EVERY_S)
        for name, held in leftovers.holdings(site).items():
            samples.setdefault(name, []).append(Sample(loop.time() - began_s, held.rss_mib, held.fds))
    return samples


def _shown(samples: dict[str, list[Sample]], *, warm_up_s: float) -> bool:
    """Print a line for each process; whether all are within the aim."""
    print(f"{'process':20} {'MiB at first':>12} {'at last':>8} {'MiB/h':>7} {'files':>6} {'at last':>8}")
    slopes = []
    for name, taken in samples.items():
        warm = [sample for sample in taken if sample.at_s > warm_up_s]
        slopes.append(slope([(sample.at_s / 3600, sample.rss_mib) for sample in warm]))
        first, last = warm[0], warm[-1]
        grown = f"{first.rss_mib:12.1f} {last.rss_mib:8.1f} {slopes[-1]:7.2f}"
        print(f"{name:20} {grown} {first.fds:6} {last.fds:8}")
    return max(slopes) <= MOST_MIB_PER_H


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=35.0, help="requests per second")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"{os.cpu_count()} CPUs, {' '.join(sys.argv[1:]) or 'an hour'}, {given.rate:g} requests/s")
    try:
        is_met = asyncio.run(soak(folder, seconds=given.minutes * 60, rate=given.rate))
    finally:
        shutil.rmtree(folder)
    sys.exit(not is_met)


if __name__ == "__main__":
    main()
