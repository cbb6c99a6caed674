"""Which replica gets a request: the policy's choice of the ready ones, or a short wait if there is none."""

import asyncio
import contextlib
import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from polychat.engines.base import RequestView
from polychat.errors import (
    NoReplicaAvailable,
    PlatformError,
    ReplicaBusy,
    ReplicaError,
    UnknownModel,
    UnsupportedFeature,
)
from polychat.gateway.journey import Journey
from polychat.gateway.limits import Limits, busy
from polychat.routing.breaker import Breakers
from polychat.routing.policies import Candidate, Policy
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica

MAX_WAITING = 1000  # requests that wait for a replica; more are refused at once
REMEMBER_S = 60.0  # a model whose last replica went less than this ago is restarting, not unknown
MAX_DEATHS = 2
"""Replicas that may die on one request before it is offered to no more: it could be the reason."""


@dataclass(slots=True)
class Attempts:
    """What one request has tried so far."""

    tried: set[str] = field(default_factory=set)  # ids of replicas
    num_deaths: int = 0
    last_failure: ReplicaError | None = None
    give_up_s: float | None = None  # loop time; set when the request first has to wait

    def record(self, replica: Replica, failure: ReplicaError, *, is_death: bool) -> None:
        """Note a failure before the first byte.

        Raises:
            ReplicaError: the request has seen too many replicas die.
        """
        self.tried.add(replica.id)
        self.last_failure = failure
        self.num_deaths += is_death
        if self.num_deaths >= MAX_DEATHS:
            raise failure


class Dispatcher:
    """Chooses replicas, and counts the requests that this gateway has at each."""

    def __init__(
        self,
        registry: Registry,
        policy: Policy,
        *,
        queue_timeout_s: float = 5.0,
        chance: random.Random | None = None,
    ) -> None:
        self.in_flight: Counter[str] = Counter()  # replica id -> requests there; no zeros
        self.num_waiting = 0  # requests for which there is no replica at the moment
        self.is_synced = False  # the controller has been heard at least once
        self.breakers = Breakers()  # told by the relay what became of each request
        self._registry = registry
        self._policy = policy
        self._queue_timeout_s = queue_timeout_s
        self._chance = chance or random.Random()
        self._limits = Limits()
        self._changed = asyncio.Event()
        self._known: dict[str, tuple[str, ...]] = {}  # replica id -> the names it answered to
        self._gone_s: dict[str, float] = {}  # name of a model -> loop time at which its last replica went

    async def choose(self, view: RequestView, attempts: Attempts, journey: Journey | None = None) -> Replica:
        """The replica to try next: never one that was tried before and has stayed ready since.

        Raises:
            UnknownModel, NotImplementedByModel, UnsupportedFeature: no use waiting.
            NoReplicaAvailable, ReplicaError: none is ready, and none has become so in time.
        """
        while True:
            try:
                ready = able(self._registry.ready(view.model, view.endpoint), view)
            except (NoReplicaAvailable, UnknownModel) as exc:
                failure = self._explain(exc, view.model, attempts)
                ready = []
            # One that was away and has come back is tried again.
            attempts.tried.intersection_update([replica.id for replica in ready])
            untried = [replica for replica in ready if replica.id not in attempts.tried]
            free, opens_s, spent = self._within_limits(untried)
            if free:
                candidates = [Candidate(replica, self.in_flight[replica.id]) for replica in free]
                return self._policy(candidates, self._chance)
            if spent is not None:
                failure = spent
            elif ready:
                assert attempts.last_failure is not None
                failure = attempts.last_failure
                if all(replica.outside and replica.outside.name for replica in ready):
                    raise failure  # no provider is started again while somebody waits
            await self._wait(failure, view.model, attempts, until_s=opens_s)

    def _within_limits(self, replicas: list[Replica]) -> tuple[list[Replica], float, ReplicaBusy | None]:
        """Those that may be sent one more request; if there is none, when there will be, and why."""
        now_s = asyncio.get_running_loop().time()
        opens_s = [
            (self._limits.opens_s(replica, in_flight=self.in_flight[replica.id], now_s=now_s), replica)
            for replica in replicas
        ]
        free = [replica for at_s, replica in opens_s if at_s <= now_s]
        if free or not replicas:
            return free, math.inf, None
        first_s, first = min(opens_s, key=lambda pair: pair[0])
        return [], first_s, busy(first, opens_in_s=first_s - now_s)

    def meant(self, model: str) -> str:
        """The name by which replicas know `model`."""
        return self._registry.meant(model)

    @contextlib.contextmanager
    def sending_to(self, replica: Replica, journey: Journey | None = None) -> Iterator[None]:
        """Count one request at `replica` for as long as the block runs, however it ends."""
        self.in_flight[replica.id] += 1
        if replica.outside is not None:
            self._limits.begin(replica, now_s=asyncio.get_running_loop().time())
        try:
            yield
        finally:
            self.in_flight[replica.id] -= 1
            if not self.in_flight[replica.id]:
                del self.in_flight[replica.id]
            if replica.outside is not None:
                self._wake()

    def registry_changed(self) -> None:
        """Tell those who wait to look again."""
        self.is_synced = True
        now_s = asyncio.get_running_loop().time()
        known = {replica.id: replica.answers_to for replica in self._registry}
        lost = {name for id_, names in self._known.items() if id_ not in known for name in names}
        self._gone_s |= dict.fromkeys(lost.difference(*known.values()), now_s)
        self._gone_s = {name: at_s for name, at_s in self._gone_s.items() if now_s - at_s < REMEMBER_S}
        self._known = known
        self._limits.keep_only(set(known))
        self.breakers.keep_only(set(known))
        self._wake()

    def _wake(self) -> None:
        """Let those who wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _explain(self, exc: PlatformError, model: str, attempts: Attempts) -> PlatformError:
        """Why there is none to send to; raised at once when waiting is no use."""
        if attempts.last_failure is not None:
            return attempts.last_failure
        if isinstance(exc, NoReplicaAvailable):
            return exc
        if not self.is_synced:
            return NoReplicaAvailable(model, reason="the gateway has not reached its controller yet")
        gone_s = self._gone_s.get(self.meant(model), -REMEMBER_S)
        if asyncio.get_running_loop().time() - gone_s < REMEMBER_S:
            return NoReplicaAvailable(model, reason="its last replica has just gone")
        raise exc

    async def _wait(self, failure: PlatformError, model: str, attempts: Attempts, *, until_s: float) -> None:
        """Until something changes or `until_s`; raises `failure` once the request has waited long enough."""
        loop = asyncio.get_running_loop()
        if attempts.give_up_s is None:
            attempts.give_up_s = loop.time() + self._queue_timeout_s
        if self.num_waiting >= MAX_WAITING:
            raise NoReplicaAvailable(model, reason=f"{MAX_WAITING} requests already wait") from failure
        self.num_waiting += 1
        try:
            async with asyncio.timeout_at(min(attempts.give_up_s, until_s)):
                await self._changed.wait()
        except TimeoutError:
            if until_s >= attempts.give_up_s:
                raise failure from None
        finally:
            self.num_waiting -= 1


def able(replicas: list[Replica], view: RequestView) -> list[Replica]:
    """Those of `replicas` that have what the request needs; one that does not know may try.

    Raises:
        UnsupportedFeature: none of them has.
    """
    if not view.needs:
        return replicas
    able = [r for r in replicas if r.features is None or view.needs <= r.features]
    if not able:
        missing = min(view.needs - (replicas[0].features or frozenset()))
        raise UnsupportedFeature(view.model, missing)
    return able
