"""What it costs to choose a replica and count a request there, when nobody has to wait.

    python benchmarks/dispatch.py --replicas 4

Prints microseconds of one core for each request.
"""

import argparse
import asyncio
import statistics
import time

from polychat.engines.base import RequestView
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.journey import Journey
from polychat.routing.policies import POLICIES
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint, Load

ROUNDS = 15
REQUESTS = 5_000  # in a round


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=4)
    rounds_us = asyncio.run(measure(parser.parse_args().replicas))
    print(
        f"choose + sending_to: median {statistics.median(rounds_us):.2f} us, best {min(rounds_us):.2f} us "
        f"({ROUNDS} rounds of {REQUESTS} requests)"
    )


async def measure(num_replicas: int) -> list[float]:
    """Microseconds for each request, one value for each round."""
    dispatcher = Dispatcher(_registry(num_replicas), POLICIES["two_choices"])
    dispatcher.registry_changed()
    view = RequestView(Endpoint.CHAT, "m")
    rounds_us = []
    for _ in range(ROUNDS):
        started_s = time.perf_counter()
        for _ in range(REQUESTS):
            journey = Journey("req_1")
            replica = await dispatcher.choose(view, Attempts(), journey)
            with dispatcher.sending_to(replica, journey):
                pass
        rounds_us.append((time.perf_counter() - started_s) / REQUESTS * 1e6)
    return rounds_us


def _registry(num_replicas: int) -> Registry:
    registry, endpoints = Registry(), frozenset({Endpoint.CHAT})
    for number in range(num_replicas):
        registry.put(
            Replica(
                id=f"r{number}",
                url=f"http://r{number}",
                names=("org/m", "m"),
                engine="echo",
                endpoints=endpoints,
                state=ReplicaState.READY,
                load=Load(slots=8),
            )
        )
    return registry


if __name__ == "__main__":
    main()
