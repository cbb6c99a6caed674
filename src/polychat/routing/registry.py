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

    def __iter__(self) -> Iterator[Replica]:
        return iter(tuple(self._replicas.values()))

    def __len__(self) -> int:
        return len(self._replicas)

    def get(self, replica_id: str) -> Replica | None:
        return self._replicas.get(replica_id)

    def put(self, replica: Replica) -> None:
        """Add a replica, or replace what was known of it."""
        self._replicas[replica.id] = replica

    def report_load(self, replica_id: str, load: Load) -> bool:
        """Record a load report. False when nobody of that id is known."""
        known = self._replicas.get(replica_id)
        if known is None:
            return False
        self._replicas[replica_id] = replace(known, load=load)
        return True

    def remove(self, replica_id: str) -> bool:
        """Forget a replica. False when it was not known."""
        return self._replicas.pop(replica_id, None) is not None

    def named(self, model: str) -> list[Replica]:
        """The replicas of `model` in any state, perhaps none."""
        meant = self.meant(model)
        return [r for r in self._replicas.values() if r.serves(meant)]

    def meant(self, model: str) -> str:
        """The name by which replicas know `model`: another one only if it is an alias."""
        is_alias = model in self._aliases and not any(r.serves(model) for r in self._replicas.values())
        return self._aliases[model] if is_alias else model

    def by_name(self) -> dict[str, list[Replica]]:
        """Every name under which requests may come, aliases last, and the replicas that serve it."""
        found: dict[str, list[Replica]] = {}
        for replica in self._replicas.values():
            for name in replica.answers_to:
                found.setdefault(name, []).append(replica)
        aliased = {alias: found[model] for alias, model in self._aliases.items() if model in found}
        return found | {alias: replicas for alias, replicas in aliased.items() if alias not in found}

    def ready(self, model: str, endpoint: Endpoint) -> list[Replica]:
        """The replicas that may take a request for `model`, at least one; silent ones if no other can.

        Raises:
            UnknownModel: no replica in any state serves `model`.
            NotImplementedByModel: some do, but none offers `endpoint`.
            NoReplicaAvailable: some do, but none is ready.
        """
        serving = self.named(model)
        if not serving:
            raise UnknownModel(model)
        offering = [r for r in serving if endpoint in r.endpoints]
        if not offering:
            raise NotImplementedByModel(model, endpoint)
        taking = [r for r in offering if r.state.takes_requests]
        if not taking:
            raise NoReplicaAvailable(model, reason=_why_not_ready(offering))
        return [r for r in taking if r.state is ReplicaState.READY] or taking


def _why_not_ready(replicas: list[Replica]) -> str:
    first = replicas[0]
    detail = f" ({first.detail})" if first.detail else ""
    return f"its replica is {first.state}{detail}" if len(replicas) == 1 else "none of its replicas is ready"
