"""What it costs to choose a replica and count a request there, when nobody has to wait.

    python benchmarks/dispatch.py

Prints microseconds of one core for each request: for several policies and numbers of replicas, with prompts
of 8,000 tokens of which the first half was sent before. Hashing such a prompt is shown by itself.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Callable

from polychat.engines.base import RequestView
from polychat.gateway.dispatch import Attempts, Dispatcher
from polychat.gateway.journey import Journey
from polychat.routing.ask import Ask, ask_of
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.routing.router import Router, Used
from polychat.types import Endpoint, Load

ROUNDS = 7
REQUESTS = 1_000  # in a round
PROMPT_BYTES = 32_000
SHARED = b"what many prompts begin with " * (PROMPT_BYTES // 58)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    texts = [prompt(n) for n in range(100)]
    asks = [ask_of(text, seed="m") for text in texts]
    print(
        f"hash a prompt of {PROMPT_BYTES} bytes: {best_us(lambda n: ask_of(texts[n % 100], seed='m')):.1f} us"
    )
    for policy in ("two_choices", "least_loaded", "cache_aware"):
        for num in (1, 2, 16, 10_000):
            chosen = choice_us(policy, num, asks)
            whole = statistics.median(asyncio.run(dispatch_us(policy, num, asks)))
            print(f"{policy:12} {num:6} replicas: choice {chosen:6.1f} us, with all counting {whole:6.1f} us")


def prompt(number: int) -> bytes:
    """Half of it is one of ten beginnings, half its own."""
    return (b"%d " % (number % 10) + SHARED + b"%d " % number + b"its own words " * 2000)[:PROMPT_BYTES]


def best_us(work: Callable[[int], object]) -> float:
    """Microseconds that one call takes, in the best of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started_s = time.perf_counter()
        for n in range(REQUESTS):
            work(n)
        rounds.append((time.perf_counter() - started_s) / REQUESTS * 1e6)
    return min(rounds)


def choice_us(policy: str, num: int, asks: list[Ask]) -> float:
    """The policy's part: the few that are looked at, their prefixes, the choice."""
    registry, router = registry_of(num), Router(policy, chance=random.Random(1))
    for replica in registry:
        router.node(replica)
    for n, ask in enumerate(asks):
        router.ended(router.sent(router.node(registry[f"r{n % num}"]), ask), 0.01, Used(8000), now_s=1.0)

    def choose(n: int) -> None:
        ids = router.few(registry.ready_ids("m", Endpoint.CHAT), asks[n % 100])
        router.choose([router.node(registry[id_]) for id_ in ids], asks[n % 100])

    return best_us(choose)


async def dispatch_us(policy: str, num: int, asks: list[Ask]) -> list[float]:
    """Microseconds for each request, one value for each round."""
    dispatcher = Dispatcher(registry_of(num), policy)
    dispatcher.registry_changed()
    view, rounds_us = RequestView(Endpoint.CHAT, "m"), []
    for _ in range(ROUNDS):
        started_s = time.perf_counter()
        for n in range(REQUESTS):
            journey, attempts = Journey("req_1"), Attempts(ask=asks[n % 100] if num > 1 else None)
            replica = await dispatcher.choose(view, attempts, journey)
            with dispatcher.sending_to(replica, journey, attempts.ask):
                pass
        rounds_us.append((time.perf_counter() - started_s) / REQUESTS * 1e6)
    return rounds_us


def registry_of(num_replicas: int) -> Registry:
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
