"""The messages of the control plane, and how a registry follows them.

A worker holds a WebSocket to the controller and sends `Announce` for each replica it speaks for (again at
each change of state), `ReportLoad` now and then or a `Beat` if it has no news, and `Withdraw` when a model
is no longer there; the controller answers the first message with `Welcome` and then says `Beat`. A gateway
reads `GET /watch`, one JSON document a line: `Snapshot`, then each `Put`, `ReportLoad`, `Remove` as it
happens and a `Beat` when there is nothing else to say, so that silence means trouble. Every message carries
its name in `type`.
"""

import msgspec

from polychat.routing.registry import Registry
from polychat.routing.replica import Replica
from polychat.types import Load

BEAT_S = 0.2  # how often workers and the controller say that they are alive
SILENT_AFTER_S = 0.8  # a worker that says nothing for so long is asked last
LOST_AFTER_S = 10.0  # and after so long no more, although its connection stands; a worker does as much
DEAF_AFTER_S = 3.0  # a gateway that hears nothing for so long follows anew
REFUSED = 4403  # close code of a connection whose worker may not say what it says


class Announce(msgspec.Struct, frozen=True, tag="announce"):
    """Worker to controller: this is me, now."""

    replica: Replica


class Withdraw(msgspec.Struct, frozen=True, tag="withdraw"):
    """Worker to controller: a replica that I announced is no more."""

    id: str


class ReportLoad(msgspec.Struct, frozen=True, tag="load"):
    """Worker to controller (which knows the id by the connection), and controller to gateways."""

    id: str
    load: Load


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Controller to worker: registered."""

    controller: str  # changes with each start of the controller


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """Controller to gateway: everything it knows."""

    controller: str
    replicas: list[Replica]


class Put(msgspec.Struct, frozen=True, tag="put"):
    replica: Replica


class Remove(msgspec.Struct, frozen=True, tag="remove"):
    id: str


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Controller to gateway and worker, worker to controller: still here."""


FromWorker = Announce | ReportLoad | Withdraw | Beat
ToGateway = Snapshot | Put | ReportLoad | Remove | Beat

encode = msgspec.json.Encoder().encode
decode_from_worker = msgspec.json.Decoder(FromWorker).decode
decode_welcome = msgspec.json.Decoder(Welcome).decode
BEAT = encode(Beat())
decode_to_gateway = msgspec.json.Decoder(ToGateway).decode


class Follower:
    """Keeps a gateway's copy of the registry in step with the watch stream.

    A controller that has just restarted knows nobody until its workers have come back. Its first snapshot
    must not empty a gateway that knows better: replicas it does not name are kept for `grace_s` and dropped
    only if their workers have not announced themselves by then. A snapshot of the controller known before is
    taken at its word.
    """

    def __init__(self, registry: Registry, *, grace_s: float = 5.0) -> None:
        self._registry = registry
        self._grace_s = grace_s
        self._controller: str | None = None
        self._doubted: dict[str, float] = {}  # replica id -> time at which to drop it

    def apply(self, message: ToGateway, *, now_s: float) -> None:
        """Bring the registry up to date with one message, received at `now_s` on a monotonic clock."""
        match message:
            case Snapshot():
                self._take_snapshot(message, now_s)
            case Put(replica=replica):
                self._doubted.pop(replica.id, None)
                self._registry.put(replica)
            case ReportLoad(id=replica_id, load=load):
                self._registry.report_load(replica_id, load)
            case Remove(id=replica_id):
                self._doubted.pop(replica_id, None)
                self._registry.remove(replica_id)
            case Beat():
                pass
        self._drop_doubted(now_s)

    def _take_snapshot(self, snapshot: Snapshot, now_s: float) -> None:
        named = {replica.id for replica in snapshot.replicas}
        restarted = self._controller not in (None, snapshot.controller)
        for known in self._registry:
            if known.id in named:
                continue
            if restarted:
                self._doubted.setdefault(known.id, now_s + self._grace_s)
            elif known.id not in self._doubted:
                self._registry.remove(known.id)
        for replica in snapshot.replicas:
            self._doubted.pop(replica.id, None)
            self._registry.put(replica)
        self._controller = snapshot.controller

    def _drop_doubted(self, now_s: float) -> None:
        for replica_id in [id_ for id_, until_s in self._doubted.items() if until_s <= now_s]:
            del self._doubted[replica_id]
            self._registry.remove(replica_id)
