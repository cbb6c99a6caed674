"""What one request has tried so far, and for how long it has waited."""

from dataclasses import dataclass, field

from polychat.errors import ReplicaError
from polychat.routing.ask import Ask
from polychat.routing.replica import Replica

MAX_DEATHS = 2
"""Replicas that may die on one request before it is offered to no more: it could be the reason."""


@dataclass(slots=True)
class Attempts:
    """One request's way from replica to replica. Times are of the event loop's clock."""

    tried: set[str] = field(default_factory=set)  # ids of replicas
    num_deaths: int = 0
    session: str = ""  # that the request belongs to, as its client says
    ask: Ask | None = None  # what routing needs to know of it; None until it is needed
    last_failure: ReplicaError | None = None
    waits_since_s: float | None = None  # when it first had to wait
    absent_since_s: float | None = None  # since when there is no replica that it could wait for

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
