"""Which replica gets a request: the policy's choice of those that may take it, or a wait in its model's line.

To read it: `places` (how many a replica takes), `queue` (who goes next), `drain` (how fast), `line` and
`lines` (waiting), `shares` (whose work an engine's time was).
"""

import asyncio
import contextlib
import math
import random
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from polychat.engines.base import RequestView
from polychat.errors import NoReplicaAvailable, PlatformError, UnknownModel, UnsupportedFeature
from polychat.gateway.attempts import MAX_DEATHS as MAX_DEATHS
from polychat.gateway.attempts import Attempts as Attempts
from polychat.gateway.journey import Journey
from polychat.gateway.limits import Limits, busy
from polychat.gateway.line import Blocked, Rules
from polychat.gateway.lines import Lines
from polychat.gateway.places import Places
from polychat.gateway.prompt import ask_of
from polychat.gateway.shared_counts import ALONE, Counts
from polychat.gateway.shares import Shares
from polychat.routing import feed
from polychat.routing.ask import NOTHING, Ask
from polychat.routing.breaker import Breakers
from polychat.routing.policies import DEFAULT
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica
from polychat.routing.router import NOTHING_USED, Router, Used
from polychat.types import Endpoint

REMEMBER_S = 60.0  # a model whose last replica went less than this ago is restarting, not unknown
AS_USUAL = Rules()
_NEED_NO_PLACE = (Endpoint.TOKENIZE, Endpoint.DETOKENIZE)  # engines answer them beside what they compute


class Dispatcher:
    """Chooses replicas, and counts the requests that this gateway has at each."""

    def __init__(
        self,
        registry: Registry,
        policy: str = DEFAULT,
        *,
        rules: Rules = AS_USUAL,
        chance: random.Random | None = None,
        counts: Counts = ALONE,
    ) -> None:
        """`counts`: how many requests other gateways of this host have at each replica."""
        self.is_synced = False  # the controller has been heard at least once
        self.breakers = Breakers()  # told by the relay what became of each request
        self._registry = registry
        self._chance = chance or random.Random()
        self.router = Router(policy, chance=self._chance)
        self._limits = Limits()
        self._counts = counts
        self._places = Places(counts)
        self._shares = Shares()
        self._lines = Lines(rules, self._places, self._look, self._chance)
        self._known: dict[str, tuple[str, ...]] = {}  # replica id -> the names it answered to
        self._gone_s: dict[str, float] = {}  # name of a model -> loop time at which its last replica went

    @property
    def num_waiting(self) -> int:
        """Requests for which there is no replica at the moment."""
        return len(self._lines)

    @property
    def in_flight(self) -> Counter[str]:
        """Requests that this gateway has at each replica, by its id; no zeros."""
        return self.router.in_flight

    def queues(self) -> dict[str, tuple[int, int]]:
        """Interactive requests and those of batches that wait, by the model's public id."""
        return self._lines.waiting()

    async def choose(self, view: RequestView, attempts: Attempts, journey: Journey | None = None) -> Replica:
        """The replica to try next: never one that was tried before and has stayed ready since.

        Enter `sending_to` before the next await: until then nobody knows that the place is taken.

        Raises:
            UnknownModel, NotImplementedByModel, UnsupportedFeature: no use waiting.
            NoReplicaAvailable, ReplicaError: none is ready, and none has become so in time.
            Overloaded, RateLimited: all are busy, and it waits too long, or too many wait.
        """
        found = self._look(view, attempts)
        if isinstance(found, Replica):
            return found
        model = self._public_id(view.model)
        return await self._lines.wait(model, view, attempts, journey or Journey(""), found)

    def require(self, view: RequestView) -> None:
        """Nothing if a replica could answer, now or later.

        Raises:
            UnknownModel, NotImplementedByModel, UnsupportedFeature, NoReplicaAvailable: none could.
        """
        try:
            able(self._registry.ready(view.model, view.endpoint), view)
        except (NoReplicaAvailable, UnknownModel) as exc:
            self._explain(exc, view.model, Attempts())

    def meant(self, model: str) -> str:
        """The name by which replicas know `model`."""
        return self._registry.meant(model)

    def sending_to(
        self, replica: Replica, journey: Journey | None = None, ask: Ask | None = None
    ) -> "_Sending":
        """Count one request at `replica` for as long as the block runs, however it ends."""
        return _Sending(self, replica, journey or Journey(""), ask or NOTHING)

    def answered(self, replica: Replica, journey: Journey, *, ttft_s: float | None) -> None:
        """`replica` has begun to answer; `ttft_s`: of a stream of text."""
        now_s = asyncio.get_running_loop().time()
        self.breakers.answered(replica.id, now_s=now_s, model=replica.model, ttft_s=ttft_s)
        if ttft_s is not None and journey.ticket is not None:
            engine_s = self._shares.so_far(replica.id, journey.shown_s, now_s=now_s)
            self.router.first_token(journey.ticket, engine_s, now_s=now_s)

    def followed(self, message: feed.ToGateway) -> None:
        """The registry has been brought up to date with `message`: somebody may go now."""
        if not isinstance(message, feed.ReportLoad):
            self.registry_changed()
        elif (replica := self._registry.get(message.id)) is not None:
            self._lines.freed(replica)

    def look_again(self) -> None:
        """Other gateways may have left places: let those who wait take them."""
        for replica in self._registry:
            self._lines.freed(replica)

    def registry_changed(self) -> None:
        """Replicas came, went or changed: let those who wait look again."""
        self.is_synced = True
        now_s = asyncio.get_running_loop().time()
        known = {replica.id: replica.answers_to for replica in self._registry}
        lost = {name for id_, names in self._known.items() if id_ not in known for name in names}
        self._gone_s |= dict.fromkeys(lost.difference(*known.values()), now_s)
        self._gone_s = {name: at_s for name, at_s in self._gone_s.items() if now_s - at_s < REMEMBER_S}
        self._known = known
        for kept in (self._limits, self._places, self._counts, self.breakers, self.router):
            kept.keep_only(set(known))
        self._lines.changed({replica.model for replica in self._registry})

    def begin(self, replica: Replica, journey: Journey, ask: Ask) -> None:
        """A request goes to `replica`."""
        now_s = asyncio.get_running_loop().time()
        journey.ticket = self.router.sent(self.router.node(replica), ask, tells_first_token=journey.is_stream)
        if journey.endpoint not in _NEED_NO_PLACE:
            self._places.begin(replica.id)
        if replica.outside is not None:
            self._limits.begin(replica, now_s=now_s)
        self._lines.line(replica.model).num_running += 1
        journey.began_there_s, journey.shown_s = now_s, self._shares.begin(replica.id, now_s=now_s)

    def end(self, replica: Replica, journey: Journey) -> None:
        """A request that went to `replica` has ended."""
        now_s = asyncio.get_running_loop().time()
        share_s = self._shares.end(replica.id, journey.shown_s, now_s=now_s)
        journey.engine_s += share_s
        self._lines.line(replica.model).finished(journey, began_s=journey.began_there_s, now_s=now_s)
        ticket, usage = journey.ticket, journey.usage
        assert ticket is not None, "it began"
        used = NOTHING_USED
        if usage is not None:
            used = Used(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
        self.router.ended(ticket, share_s, used, now_s=now_s)
        if journey.endpoint not in _NEED_NO_PLACE:
            self._places.end(replica.id)
        self._lines.freed(replica)

    def _look(self, view: RequestView, attempts: Attempts) -> Replica | Blocked:
        """The replica for a request, or why there is none now; raises when waiting is no use."""
        try:
            ids = self._registry.ready_ids(view.model, view.endpoint)
        except (NoReplicaAvailable, UnknownModel) as exc:
            attempts.tried.clear()
            return Blocked(self._explain(exc, view.model, attempts), is_absent=True)
        if attempts.ask is None and len(ids) > 1:
            attempts.ask = ask_of(view, attempts.session, self.router)
        few = self.router.few(ids, attempts.ask or NOTHING)
        if few is not ids:
            with contextlib.suppress(UnsupportedFeature):  # another one may have it
                found = self._look_among(few, view, attempts)
                if isinstance(found, Replica):
                    return found
        return self._look_among(ids, view, attempts)

    def _look_among(self, ids: Sequence[str], view: RequestView, attempts: Attempts) -> Replica | Blocked:
        ready = able([self._registry[id_] for id_ in ids], view)
        if attempts.tried:
            # One that was away and has come back is tried again.
            attempts.tried.intersection_update(self._registry.ready_ids(view.model, view.endpoint))
            untried = [replica for replica in ready if replica.id not in attempts.tried]
            if not untried:
                assert attempts.last_failure is not None
                if all(replica.outside and replica.outside.name for replica in ready):
                    raise attempts.last_failure  # no provider is started again while somebody waits
                return Blocked(attempts.last_failure, is_absent=True)
            ready = untried
        return self._free_of(ready, view, attempts)

    def _free_of(self, replicas: list[Replica], view: RequestView, attempts: Attempts) -> Replica | Blocked:
        """One of those that may be sent one more request; if there is none, why."""
        now_s = asyncio.get_running_loop().time()
        standing = replicas
        if not self.breakers.is_quiet(now_s=now_s):
            standing = [r for r in replicas if self.breakers.opens_s(r.id) <= now_s]
        if not standing:
            standing = [min(replicas, key=lambda r: self.breakers.opens_s(r.id))]
        needs_place = view.endpoint not in _NEED_NO_PLACE
        is_free, node = self._places.is_free, self.router.node
        nodes = [
            node(replica)
            for replica in standing
            if (replica.outside is None or self._opens_s(replica, now_s) <= now_s)
            and (not needs_place or is_free(replica))
        ]
        if nodes:
            if self._counts is not ALONE:
                for each in nodes:
                    each.heed(self._places.others(each.replica.id))
            return self.router.choose(nodes, attempts.ask or NOTHING).replica
        return self._blocked(replicas, standing, now_s)

    def _blocked(self, replicas: list[Replica], standing: list[Replica], now_s: float) -> Blocked:
        """Why none of `replicas` is free; `standing` are those of them that are not set aside."""
        limits_s = [(self._opens_s(replica, now_s), replica) for replica in standing]
        first_s, first = min(limits_s, key=lambda pair: pair[0])
        aside_s = [self.breakers.opens_s(replica.id) for replica in replicas if replica not in standing]
        if first_s > now_s:
            return Blocked(busy(first, opens_in_s=first_s - now_s), opens_s=min([first_s, *aside_s]))
        opens_s = [at_s for at_s, _ in limits_s if at_s > now_s]
        return Blocked(None, opens_s=min([*opens_s, *aside_s], default=math.inf))

    def _opens_s(self, replica: Replica, now_s: float) -> float:
        if replica.outside is None:
            return -math.inf
        in_flight = self.router.node(replica).in_flight + self._counts.others(replica.id)
        share = 1 / self._counts.num_processes
        return self._limits.opens_s(replica, in_flight=in_flight, now_s=now_s, share=share)

    def _public_id(self, model: str) -> str:
        """One name for a model however it is asked for, so that all its requests stand in one line."""
        named = self._registry.named(model)
        return named[0].model if named else self.meant(model)

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


class _Sending:
    """One request at one replica. A class, as a generator would cost more than all it does."""

    __slots__ = ("_ask", "_dispatcher", "_journey", "_replica")

    def __init__(self, dispatcher: Dispatcher, replica: Replica, journey: Journey, ask: Ask) -> None:
        self._dispatcher = dispatcher
        self._replica = replica
        self._journey = journey
        self._ask = ask

    def __enter__(self) -> None:
        self._dispatcher.begin(self._replica, self._journey, self._ask)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dispatcher.end(self._replica, self._journey)
