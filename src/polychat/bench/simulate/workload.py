"""What is asked of simulated replicas: when, with which prompts, and what follows."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polychat.bench.arrivals import Arrivals
from polychat.bench.simulate.request import BYTES_PER_TOKEN, Talk
from polychat.errors import SetupError
from polychat.routing.ask import blocks_in

KINDS = ("random", "shared-prefix", "hot-prefix", "multi-turn")
_NUM_PREFIXES = 64
_HASHED_BYTES = int(512 * BYTES_PER_TOKEN)  # of a trace's block


@dataclass(frozen=True, slots=True)
class Workload:
    """Lengths in tokens, drawn from exponential distributions around these means."""

    kind: str = "multi-turn"
    prompt_tokens: int = 300  # that each turn adds
    output_tokens: int = 150
    prefix_tokens: int = 2000  # of a shared beginning
    turns: int = 5
    think_s: float = 10.0  # between an answer and the next turn

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SetupError(f"--workload {self.kind!r} is unknown; choose one of {', '.join(KINDS)}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody begins to ask."""

    at_s: float
    talk: Talk
    prompt_bytes: int
    output_tokens: int


def arrivals(workload: Workload, rhythm: Arrivals, seed: int) -> Iterator[Arrival]:
    """Conversations, or single requests, without end."""
    chance = random.Random(seed)
    weights = [1 / (n + 1) for n in range(_NUM_PREFIXES)]  # Zipf
    prefixes = [_blocks(f"{seed} prefix {n}", workload.prefix_tokens) for n in range(_NUM_PREFIXES)]
    for number, at_s in enumerate(rhythm.times_s(random.Random(f"{seed} times"))):
        beginning: tuple[int, ...] = ()
        if workload.kind in ("shared-prefix", "multi-turn"):
            beginning = chance.choices(prefixes, weights)[0]
        elif workload.kind == "hot-prefix":
            beginning = prefixes[0]
        shared = int(workload.prefix_tokens * BYTES_PER_TOKEN) if beginning else 0
        turns = workload.turns if workload.kind == "multi-turn" else 1
        talk = Talk(beginning, hash((seed, number)), shared, turns)
        yield Arrival(at_s, talk, prompt_bytes(workload, chance), output_tokens(workload, chance))


def prompt_bytes(workload: Workload, chance: random.Random) -> int:
    """What one turn adds."""
    return max(8, int(chance.expovariate(1 / workload.prompt_tokens) * BYTES_PER_TOKEN))


def output_tokens(workload: Workload, chance: random.Random) -> int:
    return max(1, int(chance.expovariate(1 / workload.output_tokens)))


def from_trace(path: Path) -> Iterator[Arrival]:
    """A trace's lines: `timestamp` (ms), `input_length`, `output_length`, `hash_ids` of blocks of 512 tokens.

    Raises:
        SetupError: it cannot be read, or a line is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror or exc}") from exc
    for number, line in enumerate(lines, 1):
        try:
            yield _traced(json.loads(line), number)
        except (ValueError, KeyError, TypeError):
            raise SetupError(
                f"{path}:{number} is no line of a trace: timestamp, input_length, output_length, hash_ids"
            ) from None


def _traced(line: dict[str, Any], number: int) -> Arrival:  # Any: decoded JSON
    size_bytes = int(line["input_length"] * BYTES_PER_TOKEN)
    beginning: list[int] = []
    for place, id_ in enumerate(line.get("hash_ids", ())):
        named = random.Random(f"block {id_}")
        num = blocks_in((place + 1) * _HASHED_BYTES) - blocks_in(place * _HASHED_BYTES)
        beginning += [named.getrandbits(64) for _ in range(num)]
    talk = Talk(tuple(beginning), number, 0, 1)
    return Arrival(line["timestamp"] / 1000, talk, size_bytes, max(1, int(line["output_length"])))


def _blocks(name: str, tokens: int) -> tuple[int, ...]:
    chance = random.Random(name)
    return tuple(chance.getrandbits(64) for _ in range(blocks_in(int(tokens * BYTES_PER_TOKEN))))
