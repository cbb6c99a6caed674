"""The agent for a server that runs already: tells the controller of its models on the server's behalf.

Each model is a replica. The server is never started, stopped or asked for tokens; requests go to it straight
from the gateways.
"""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from polychat.engines.attached.models import Listing
from polychat.engines.attached.offers import Offered, Wish, offered
from polychat.engines.attached.server import Away, Server
from polychat.engines.base import EngineUnresponsive
from polychat.errors import SetupError
from polychat.routing.replica import Outside, Replica, ReplicaState
from polychat.types import Load
from polychat.worker.ending import Ending, log_state
from polychat.worker.link import Link

log = logging.getLogger(__name__)

MAX_LOGGED = 20  # names in one line


@dataclass(frozen=True, slots=True)
class Terms:
    """What the agent was told."""

    wish: Callable[[Listing], Wish]  # what of a server with such models is offered
    outside: Outside
    secret: str  # the key that gateways show there
    address: str = ""  # at which gateways reach it; "": as we do
    weight: float = 1.0  # of its replicas, in the lottery
    poll_s: float = 1.0
    patience: int = 1  # looks in a row that fail before it counts as away
    drain_timeout_s: float = 30.0


class Attachment:
    """One server's replicas. `stop` may be called from a signal handler: to drain, then to end at once."""

    def __init__(self, server: Server, terms: Terms, link: Link | None) -> None:
        self._server = server
        self._terms = terms
        self._link = link
        self._wish = Wish()
        self._replicas: dict[str, Replica] = {}  # by the server's own name of the model
        self._failures = 0
        self._ending = Ending(link, drain_timeout_s=terms.drain_timeout_s)
        self._created = int(time.time())

    def stop(self) -> None:
        """Let gateways go and end; the second time: end."""
        self._ending.stop()

    async def run(self) -> None:
        """Until `stop`.

        Raises:
            SetupError: nothing is there to offer, or the controller refuses us.
        """
        try:
            await self._open()
            watching = asyncio.create_task(self._watch())
            linked = [] if self._link is None else [asyncio.create_task(self._link.run())]
            await self._ending.after([watching, *linked], lambda: self._drain(watching))
        finally:
            await self._server.close()

    async def _open(self) -> None:
        """The first look. A server whose models are known without it may be away."""
        try:
            found, away = await self._server.open(), ""
        except Away as exc:
            found, away, self._failures = Listing(()), str(exc), 1
            if not self._terms.wish(found).is_sure:
                raise
        self._wish = self._terms.wish(found)
        offers = offered(found.models, self._wish)
        if not offers:
            raise SetupError(_nothing(self._server, found))
        self._take(offers, ReplicaState.STARTING if away else ReplicaState.READY, away)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._terms.poll_s if not self._failures else min(5.0, self._terms.poll_s))
            try:
                found = await self._server.look()
            except EngineUnresponsive as exc:
                self._failures += 1
                if self._failures >= self._terms.patience:
                    self._away(str(exc))
                continue
            self._failures = 0
            self._take(offered(found.models, self._wish), ReplicaState.READY, "")

    def _take(self, offers: tuple[Offered, ...], state: ReplicaState, detail: str) -> None:
        """Announce what is new or has changed, withdraw what has gone, report the load of the rest."""
        now = {offer.model.id: offer for offer in offers}
        for id_ in [id_ for id_ in self._replicas if id_ not in now]:
            gone = self._replicas.pop(id_)
            log.info("%s is gone from %s", gone.model, gone.url)
            if self._link is not None:
                self._link.withdraw(gone.id)
        news = []
        for id_, offer in now.items():
            before = self._replicas.get(id_)
            replica = replace(self._replica(offer, before), state=state, detail=detail)
            if before is None or replace(replica, load=before.load) != before:
                news.append(replica)
                self._announce(id_, replica)
            elif replica.load != before.load:
                self._replicas[id_] = replica
                if self._link is not None:
                    self._link.report(replica.id, replica.load)
        self._log(news)

    def _away(self, detail: str) -> None:
        news = []
        for id_, replica in self._replicas.items():
            if (replica.state, replica.detail) != (ReplicaState.STARTING, detail):
                news.append(replace(replica, state=ReplicaState.STARTING, detail=detail))
                self._announce(id_, news[-1])
        self._log(news)

    def _announce(self, id_: str, replica: Replica) -> None:
        self._replicas[id_] = replica
        if self._link is not None:
            self._link.announce(replica)

    def _replica(self, offer: Offered, before: Replica | None) -> Replica:
        server, model = self._server, offer.model
        return Replica(
            id=before.id if before else f"{os.getpid()}-{secrets.token_hex(8)}",
            url=self._terms.address or server.place.url,
            names=offer.names,
            engine=server.kind.name,
            endpoints=model.endpoints | server.kind.endpoints,
            load=server.load,
            features=model.features,
            context_length=model.context_length or server.context_length,
            created=self._created,
            adapters=model.adapters,
            api_root=server.place.api_root,
            upstream_model=model.id,
            secret=self._terms.secret,
            outside=self._terms.outside,
            weight=self._terms.weight,
        )

    async def _drain(self, watching: "asyncio.Task[None]") -> None:
        """Let gateways know, then wait until nothing runs there."""
        watching.cancel()
        for id_, replica in tuple(self._replicas.items()):
            self._announce(id_, replace(replica, state=ReplicaState.DRAINING, detail=""))
        await self._ending.until_empty(self._still_running)

    async def _still_running(self) -> Load:
        await self._server.look()
        return self._server.load

    def _log(self, news: list[Replica]) -> None:
        for replica in news[:MAX_LOGGED]:
            log_state(replica)
        if len(news) > MAX_LOGGED:
            log.info("and %d models more", len(news) - MAX_LOGGED)


def _nothing(server: Server, found: Listing) -> str:
    if found.models:
        return f"{server.place.url} has {len(found.models)} models, but none of those that are wanted"
    return f"{server.place.url} serves no model; load one there first"
