"""One command's runs: the workload, made anew for each load, and what each load brought."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from polychat.bench import probe, workload
from polychat.bench.arrivals import Arrivals
from polychat.bench.lengths import Lengths
from polychat.bench.load import Load, Plan, Run
from polychat.bench.sample import Sample
from polychat.bench.stats import Slo, summary
from polychat.bench.sweep import Step, loads
from polychat.bench.target import Target
from polychat.bench.workload import Conversation, Shape
from polychat.errors import SetupError


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants measured."""

    target: Target
    plan: Plan = field(default_factory=Plan)
    prompt: Lengths = field(default_factory=lambda: Lengths("fixed", 256))
    output: Lengths = field(default_factory=lambda: Lengths("fixed", 64))
    num_prefixes: int = 0
    prefix_tokens: int = 512
    turns: int = 1
    file: Path | None = None  # of conversations, instead of made-up ones
    is_trace: bool = False
    slo: Slo = field(default_factory=Slo)
    rate: float | None = None  # of an open loop
    arrival: str = "poisson"
    burstiness: float = 1.0
    sweep: str = ""

    @property
    def unit(self) -> str:
        if self.is_trace:
            return "as the trace has it"
        return "at once" if self.rate is None else "requests/s"

    def loads(self) -> list[float]:
        """One, or those of the sweep.

        Raises:
            SetupError: they do not go together with the rest.
        """
        if self.is_trace and (self.sweep or self.rate is not None):
            raise SetupError("--trace says when requests are sent: --rate and --sweep cannot go with it")
        if self.sweep:
            return loads(self.sweep, flag="--sweep")
        return [1.0 if self.is_trace else self.rate if self.rate is not None else self.plan.concurrency]

    def plan_at(self, load: float) -> Plan:
        """The plan of one load."""
        if self.is_trace:
            return replace(self.plan, is_trace=True)
        if self.rate is None:
            return replace(self.plan, concurrency=max(1, int(load)))
        return replace(self.plan, arrivals=Arrivals(load, self.arrival, self.burstiness))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the wish."""

    wish: Wish
    steps: Sequence[Step]
    runs: Sequence[Run]

    @property
    def settings(self) -> dict[str, object]:
        """What a reader of the report must know."""
        wish, plan = self.wish, self.wish.plan
        made_up = f"{wish.prompt} in, at most {wish.output} out"
        shared = f", {wish.num_prefixes} shared prefixes of {wish.prefix_tokens}" if wish.num_prefixes else ""
        return {
            "url": wish.target.base_url,
            "model": wish.target.model,
            "endpoint": wish.target.endpoint + ("" if wish.target.is_streamed else ", not streamed"),
            "workload": str(wish.file) if wish.file else f"tokens: {made_up}{shared}; turns: {wish.turns}",
            "loop": wish.unit,
            "amount": f"{plan.num_requests} requests" if plan.num_requests else f"{plan.duration_s:g} s",
            "slo": str(wish.slo),
            "seed": plan.seed,
        }


def run(wish: Wish, tell: Callable[[int, Sample], None] = lambda _, __: None) -> Outcome:
    """Everything that was asked for, load after load. `tell` gets the number of the load and each sample.

    Raises:
        SetupError: it cannot be done as wished, or the first request fails.
    """
    each = wish.loads()
    file = workload.from_file(wish.file, max_tokens=int(wish.output.first)) if wish.file else None
    for load in each:
        wish.plan_at(load)
    ratio = probe.probed(wish.target)
    steps, runs = [], []
    for number, load in enumerate(each):
        conversations = iter(file) if file is not None else _made_up(wish, ratio, number)
        plan = wish.plan_at(load)
        if file is not None and not wish.is_trace:
            conversations = itertools.cycle(file)
        worked = Load(wish.target, plan, lambda sample, n=number: tell(n, sample))  # type: ignore[misc]  # a default
        runs.append(asyncio.run(worked.run(conversations)))
        steps.append(Step(load, summary(runs[-1], wish.slo)))
    return Outcome(wish, steps, runs)


def _made_up(wish: Wish, words_per_token: float, number: int) -> Iterator[Conversation]:
    """Other texts at each load: what one has put into a KV cache must not help the next."""
    shape = Shape(
        prompt=wish.prompt,
        output=wish.output,
        num_prefixes=wish.num_prefixes,
        prefix_tokens=wish.prefix_tokens,
        turns=wish.turns,
        words_per_token=words_per_token,
    )
    return workload.made_up(shape, seed=wish.plan.seed * 1000 + number)
