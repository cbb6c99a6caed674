"""A replica: one running copy of one or more models, reachable at a URL that speaks OpenAI."""

from dataclasses import dataclass, field
from enum import StrEnum

from polychat.types import Endpoint, Feature, Load


class ReplicaState(StrEnum):
    STARTING = "starting"  # weights loading, or the engine is being restarted
    READY = "ready"  # takes requests
    SILENT = "silent"  # was ready, then its worker or its engine has said nothing for a moment: asked last
    DRAINING = "draining"  # finishes what it has, takes nothing new

    @property
    def takes_requests(self) -> bool:
        """Whether a request may come. Of a silent one only if no other is ready: it may well be alive."""
        return self in (ReplicaState.READY, ReplicaState.SILENT)


@dataclass(frozen=True, slots=True)
class Outside:
    """What gateways must heed at a server that polychat has not started itself."""

    name: str = ""  # of the provider, as in polychat.toml; "" for a server that was attached
    key_env: str = ""  # the environment variable that the replica's secret comes from
    max_concurrent: int = 0  # requests that one gateway may have there at once; 0: no limit
    requests_per_minute: int = 0  # that one gateway may begin there; 0: no limit
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # of each request there


@dataclass(frozen=True, slots=True)
class Replica:
    """What a worker tells the controller about its engine, and every gateway gets to know."""

    id: str  # unique for one life of one worker process
    url: str  # base URL without "/v1", for example "http://10.0.0.4:21002"
    names: tuple[str, ...]  # every name it answers to; the first is the model's public id
    engine: str  # which program answers there: "llamacpp", "echo", …
    endpoints: frozenset[Endpoint]
    state: ReplicaState = ReplicaState.STARTING
    load: Load = field(default_factory=Load)
    features: frozenset[Feature] | None = None  # what its model can do; None: not known, so tried
    context_length: int | None = None  # tokens
    created: int = 0  # unix time in seconds at which the worker started
    detail: str = ""  # one line for people: why it is not ready
    startup: str = ""  # one line for people: how long each phase of its start took
    adapters: tuple[str, ...] = ()  # LoRA adapters that it answers for beside its model
    api_root: str = "/v1"  # where its API's routes lie, below the URL
    upstream_model: str = ""  # what the engine calls the model; "": by any of the names
    secret: str = field(default="", repr=False)  # the engine's own bearer key; only gateways learn it
    outside: Outside | None = None  # None: its worker has started it
    weight: float = 1.0  # in the lottery: how many times the chance of one of weight 1

    def __post_init__(self) -> None:
        if not self.names or not all(self.names):
            raise ValueError(f"replica {self.id!r} must have at least one name, none of them empty")
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(
                f"replica {self.id!r} has the URL {self.url!r}; it must begin with http:// or https://"
            )

    @property
    def model(self) -> str:
        """The model's public id."""
        return self.names[0]

    @property
    def answers_to(self) -> tuple[str, ...]:
        """Every name under which requests may come: the model's, and its adapters'."""
        return self.names + self.adapters

    def serves(self, model: str) -> bool:
        """Whether a request for `model` may come here."""
        return model in self.names or model in self.adapters


def served_names(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Each id and its last path segment, in order, without repeats: users of FastChat ask by either."""
    return tuple(dict.fromkeys(name for id_ in ids for name in (id_, id_.rsplit("/", 1)[-1])))
