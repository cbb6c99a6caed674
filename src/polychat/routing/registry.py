"""The set of known replicas. In memory, owned by one event loop, no locks.

The controller keeps one, fed by workers; each gateway keeps a copy, fed by the controller's watch stream.
Both apply the same changes (`routing.feed`) to it, so both see the same replicas.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from polychat.errors import NoReplicaAvailable, NotImplementedByModel, UnknownModel
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint, Load


class Registry:
    """Replicas by id, and by each name that they answer to."""

    def __init__(self, aliases: Mapping[str, str] = MappingProxyType({})) -> None:
        """`aliases`: other names for models -> a name that replicas have. What a replica has goes first."""
        self._replicas: dict[str, Replica] = {}
        self._aliases = aliases
        self._named: dict[str, dict[str, None]] = {}  # name -> ids of those that answer to it, in their order
        self._ready: dict[
            str, dict[Endpoint, tuple[str, ...]]
        ] = {}  # name -> route -> ids; made when asked for

    def __iter__(self) -> Iterator[Replica]:
        return iter(tuple(self._replicas.values()))

    def __len__(self) -> int:
        return len(self._replicas)

    def __getitem__(self, replica_id: str) -> Replica:
        return self._replicas[replica_id]

    def get(self, replica_id: str) -> Replica | None:
        return self._replicas.get(replica_id)

    def put(self, replica: Replica) -> None:
        """Add a replica, or replace what was known of it."""
        known = self._replicas.get(replica.id)
        self._replicas[replica.id] = replica
        if known is None or known.answers_to != replica.answers_to:
            self._unname(known)
            for name in replica.answers_to:
                self._named.setdefault(name, {})[replica.id] = None
        if known is None or _offer(known) != _offer(replica):
            self._forget_ready(replica, known)

    def report_load(self, replica_id: str, load: Load) -> bool:
        """Record a load report. False when nobody of that id is known."""
        known = self._replicas.get(replica_id)
        if known is None:
            return False
        self._replicas[replica_id] = replace(known, load=load)
        return True

    def remove(self, replica_id: str) -> bool:
        """Forget a replica. False when it was not known."""
        known = self._replicas.pop(replica_id, None)
        self._unname(known)
        self._forget_ready(known)
        return known is not None

    def named(self, model: str) -> list[Replica]:
        """The replicas of `model` in any state, perhaps none."""
        return [self._replicas[id_] for id_ in self._named.get(self.meant(model), ())]

    def meant(self, model: str) -> str:
        """The name by which replicas know `model`: another one only if it is an alias."""
        return self._aliases.get(model, model) if model not in self._named else model

    def by_name(self) -> dict[str, list[Replica]]:
        """Every name under which requests may come, aliases last, and the replicas that serve it."""
        found: dict[str, list[Replica]] = {}
        for replica in self._replicas.values():
            for name in replica.answers_to:
                found.setdefault(name, []).append(replica)
        aliased = {alias: found[model] for alias, model in self._aliases.items() if model in found}
        return found | {alias: replicas for alias, replicas in aliased.items() if alias not in found}

    def ready(self, model: str, endpoint: Endpoint) -> list[Replica]:
        """The replicas that may take a request for `model`; see `ready_ids`."""
        return [self._replicas[id_] for id_ in self.ready_ids(model, endpoint)]

    def ready_ids(self, model: str, endpoint: Endpoint) -> tuple[str, ...]:
        """Ids of the replicas that may take a request for `model`, at least one; silent ones if no other can.

        The same object until one of them comes, goes or changes by more than its load.

        Raises:
            UnknownModel: no replica in any state serves `model`.
            NotImplementedByModel: some do, but none offers `endpoint`.
            NoReplicaAvailable: some do, but none is ready.
        """
        by_endpoint = self._ready.setdefault(self.meant(model), {})
        ids = by_endpoint.get(endpoint)
        if ids is None:
            ids = self._found_ready(model, endpoint)
            by_endpoint[endpoint] = ids
        return ids

    def _found_ready(self, model: str, endpoint: Endpoint) -> tuple[str, ...]:
        serving = self.named(model)
        if not serving:
            self._ready.pop(self.meant(model), None)  # clients may ask for any name under the sun
            raise UnknownModel(model)
        offering = [r for r in serving if endpoint in r.endpoints]
        if not offering:
            raise NotImplementedByModel(model, endpoint)
        taking = [r for r in offering if r.state.takes_requests]
        if not taking:
            raise NoReplicaAvailable(model, reason=_why_not_ready(offering))
        return tuple(r.id for r in taking if r.state is ReplicaState.READY) or tuple(r.id for r in taking)

    def _unname(self, replica: Replica | None) -> None:
        if replica is None:
            return
        for name in replica.answers_to:
            self._named[name].pop(replica.id, None)
            if not self._named[name]:
                del self._named[name]

    def _forget_ready(self, *changed: Replica | None) -> None:
        for replica in changed:
            for name in replica.answers_to if replica is not None else ():
                self._ready.pop(name, None)


def _offer(replica: Replica) -> tuple[object, ...]:
    """What decides which requests may come."""
    return replica.state, replica.endpoints, replica.answers_to, replica.detail


def _why_not_ready(replicas: list[Replica]) -> str:
    first = replicas[0]
    detail = f" ({first.detail})" if first.detail else ""
    return f"its replica is {first.state}{detail}" if len(replicas) == 1 else "none of its replicas is ready"
