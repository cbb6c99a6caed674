"""Gateways, replicas and users in virtual time: a heap of events, and the router that gateways really use."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from polychat.bench.simulate.replica import Engine, SimReplica
from polychat.bench.simulate.request import Request
from polychat.bench.simulate.workload import Arrival, Workload, output_tokens, prompt_bytes
from polychat.routing.replica import Replica, ReplicaState
from polychat.routing.router import Router, Used
from polychat.types import Load

REPORT_S = 1.0  # workers tell their load so often
_OVERLAP = 8  # a gateway sends an eighth more than there are slots, as gateway/places.py does


@dataclass(frozen=True, slots=True)
class Failure:
    """A replica that is gone from one time to another."""

    replica: int
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated."""

    num_replicas: int = 4
    num_gateways: int = 1
    policy: str = "cache_aware"
    engine: Engine = field(default_factory=Engine)
    workload: Workload = field(default_factory=Workload)
    num_requests: int = 10_000
    failures: Sequence[Failure] = ()
    seed: int = 0


class World:
    """One simulation. Deterministic: the same setting and arrivals, the same outcome."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.requests: list[Request] = []
        self.replicas = [SimReplica(setting.engine) for _ in range(setting.num_replicas)]
        self.now_s = 0.0
        self._chance = random.Random(setting.seed)
        self._facts = [_replica(n, setting.engine) for n in range(setting.num_replicas)]
        self._routers = [
            Router(setting.policy, chance=random.Random(f"{setting.seed} {n}"))
            for n in range(setting.num_gateways)
        ]
        self._queues: list[deque[Request]] = [deque() for _ in range(setting.num_gateways)]
        self._up = tuple(replica.id for replica in self._facts)
        self._limit = setting.engine.slots + max(1, setting.engine.slots // _OVERLAP)
        self._here = [0] * setting.num_replicas  # requests that gateways have there
        self._events: list[tuple[float, int, int, int]] = []  # time, order, replica or gateway, version
        self._order = itertools.count()
        self._talks: list[tuple[float, int, Request]] = []  # next turns
        self._failures = deque(_turns(setting.failures))

    def run(self, arrivals: Iterator[Arrival]) -> list[Request]:
        """All requests, each with its times; those that were never answered have none."""
        following, next_report_s, num_ended = next(arrivals, None), REPORT_S, 0
        while num_ended < self.setting.num_requests:
            if len(self.requests) >= self.setting.num_requests:
                following = None
                self._talks.clear()
            what, self.now_s = self._next(following, next_report_s)
            if what == "failure":
                self._fail(self._failures.popleft())
            elif what == "replica":
                num_ended += self._happen()
            elif what == "arrival" and following is not None:
                self._begin(following)
                following = next(arrivals, None)
            elif what == "talk":
                self._go_on(heapq.heappop(self._talks)[2])
            else:
                self._report()
                next_report_s += REPORT_S
                if not (self._events or self._talks or following or self._failures):
                    break  # what is left nobody will answer
        return self.requests

    def _next(self, following: Arrival | None, next_report_s: float) -> tuple[str, float]:
        """What happens next, and when."""
        what, at_s = "report", next_report_s
        if self._talks and self._talks[0][0] <= at_s:
            what, at_s = "talk", self._talks[0][0]
        if following is not None and following.at_s <= at_s:
            what, at_s = "arrival", following.at_s
        if self._events and self._events[0][0] <= at_s:
            what, at_s = "replica", self._events[0][0]
        if self._failures and self._failures[0].at_s <= at_s:
            what, at_s = "failure", self._failures[0].at_s
        return what, max(at_s, self.now_s)

    def _begin(self, arrival: Arrival) -> None:
        ask = arrival.talk.ask(arrival.prompt_bytes)
        self._arrive(Request(len(self.requests), ask, arrival.output_tokens, self.now_s, arrival.talk))

    def _go_on(self, before: Request) -> None:
        """The next turn of a conversation."""
        talk, workload = before.conversation, self.setting.workload
        assert talk is not None, "it has turns left"
        ask = talk.ask(prompt_bytes(workload, self._chance))
        tokens = output_tokens(workload, self._chance)
        self._arrive(Request(len(self.requests), ask, tokens, self.now_s, talk))

    def _arrive(self, request: Request) -> None:
        self.requests.append(request)
        request.gateway = self._chance.randrange(len(self._routers))
        self._send(request)

    def _send(self, request: Request) -> None:
        router = self._routers[request.gateway]
        free = [n for n in map(int, router.few(self._up, request.ask)) if self._here[n] < self._limit]
        if not free:
            free = [n for n in map(int, self._up) if self._here[n] < self._limit]
        if not free:
            self._queues[request.gateway].append(request)
            return
        node = router.choose([router.node(self._facts[n]) for n in free], request.ask)
        number = int(node.replica.id)
        request.ticket = router.sent(node, request.ask, tells_first_token=True)
        request.replica, request.attempts = number, request.attempts + 1
        self._here[number] += 1
        self._settle(number)
        self.replicas[number].take(request)
        self._plan(number)

    def _happen(self) -> int:
        """The earliest event of a replica; how many requests ended."""
        _, _, number, version = heapq.heappop(self._events)
        if version != self.replicas[number].version:
            return 0
        num_ended = self._settle(number)
        self._plan(number)
        return num_ended

    def _settle(self, number: int) -> int:
        first, ended = self.replicas[number].advance(self.now_s)
        for request in first:
            assert request.ticket is not None
            engine_s = self.now_s - request.began_prefill_s
            self._routers[request.gateway].first_token(request.ticket, engine_s, now_s=self.now_s)
        for request in ended:
            self._end(request)
        for _ in ended:
            self._next_from_queues()
        return len(ended)

    def _end(self, request: Request) -> None:
        assert request.ticket is not None
        assert request.first_s is not None
        self._here[request.replica] -= 1
        batch = max(1, self.replicas[request.replica].num_here)
        decode_s = (self.now_s - request.first_s) / batch
        self._routers[request.gateway].ended(
            request.ticket,
            (request.first_s - request.began_prefill_s) + decode_s,
            Used(request.prompt_tokens, request.cached_tokens, request.output_tokens),
            now_s=self.now_s,
        )
        talk = request.conversation
        if talk is not None and talk.turns_left > 1:
            talk.turns_left -= 1
            talk.answered(request.output_tokens)
            think_s = self._chance.expovariate(1 / self.setting.workload.think_s)
            heapq.heappush(self._talks, (self.now_s + think_s, request.number, request))

    def _next_from_queues(self) -> None:
        for queue in self._queues:
            if queue:
                self._send(queue.popleft())

    def _plan(self, number: int) -> None:
        """The replica's next event; what was planned before is void."""
        replica = self.replicas[number]
        replica.version += 1
        at_s = replica.next_s()
        if at_s is not None:
            heapq.heappush(self._events, (max(at_s, self.now_s), next(self._order), number, replica.version))

    def _report(self) -> None:
        for number, replica in enumerate(self.replicas):
            if replica.is_up:
                self._facts[number] = replace(self._facts[number], load=replica.load)

    def _fail(self, turn: "_Turn") -> None:
        number = turn.replica
        replica = self.replicas[number]
        self._settle(number)
        if turn.is_end:
            replica.is_up = True
            self._facts[number] = replace(self._facts[number], load=Load(slots=self.setting.engine.slots))
        else:
            for request in replica.die():
                assert request.ticket is not None
                self._routers[request.gateway].ended(request.ticket, 0.0, now_s=self.now_s)
                self._here[number] -= 1
                request.first_s = None
                self._queues[request.gateway].append(request)
        self._up = tuple(str(n) for n, each in enumerate(self.replicas) if each.is_up)
        for queue in self._queues:
            for _ in range(len(queue)):
                self._send(queue.popleft())


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    """A replica goes, or comes back."""

    at_s: float
    replica: int
    is_end: bool


def _turns(failures: Sequence[Failure]) -> list[_Turn]:
    begins = [_Turn(failure.from_s, failure.replica, is_end=False) for failure in failures]
    return sorted([*begins, *(_Turn(failure.until_s, failure.replica, is_end=True) for failure in failures)])


def _replica(number: int, engine: Engine) -> Replica:
    return Replica(
        str(number),
        f"http://replica-{number}",
        ("m",),
        "simulated",
        frozenset(),
        ReplicaState.READY,
        Load(slots=engine.slots),
    )
