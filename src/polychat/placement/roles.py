"""The roles of a platform on one machine, as values: what to start, and how to see that it is ready.

The supervisor in `local.py` knows nothing of what a role is for.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ECHO = "echo"  # a model argument that stands for the engine without a model


def nothing(body: bytes) -> str:
    """An answer is enough."""
    return ""


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """A role is ready when `url` answers with 200 and a body in which `missing` misses nothing."""

    url: str
    missing: Callable[[bytes], str] = nothing  # pure; one line on what is still to come, empty when ready
    bearer: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Role:
    """One process of the platform."""

    name: str  # its log is NAME.log
    arguments: tuple[str, ...]  # of `polychat`
    ready: ReadyCheck
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # holds keys
    start_within_s: float | None = 60.0  # None: weights may take as long as they take
    stop_rank: int = 0  # roles of rank 0 are stopped first, those of rank 1 once they are gone
    stop_within_s: float = 0.7  # then it is killed


@dataclass(frozen=True, slots=True)
class Plan:
    """What one `polychat up` runs. Ports are checked before they come here."""

    models: tuple[str, ...]
    worker_ports: tuple[int, ...]  # one a model
    host: str = "127.0.0.1"
    controller_host: str = "127.0.0.1"
    port: int = 8000
    controller_port: int = 21001
    web_port: int | None = 7860  # None: no page
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    needs_keys: bool = False
    first_key: str = field(default="", repr=False)  # made at this start, to be shown once
    internal_key: str = field(default="", repr=False)  # of this run, for its own page and probes
    token: str = field(default="", repr=False)
    tls: tuple[str, str] | None = None  # paths of a certificate and its key, for the API and the page
    api_flags: tuple[str, ...] = ()
    worker_flags: tuple[str, ...] = ()  # the same for each model's worker
    model_flags: tuple[tuple[str, ...], ...] = ()  # one a model, after those; (): none has any
    attached: tuple[str, ...] = ()  # addresses of servers that run already
    attach_key_env: str = ""
    remotes: tuple[str, ...] = ()  # names of providers in the settings file
    database: str = field(default="", repr=False)  # URL, "" for the default; may hold a password
    keep_responses_days: int = 30
    aliases: tuple[str, ...] = ()  # NAME=MODEL, for the API

    @property
    def controller_url(self) -> str:
        return f"http://{reachable(self.controller_host)}:{self.controller_port}"

    @property
    def api_url(self) -> str:
        return f"{self._scheme}://{reachable(self.host)}:{self.port}"

    @property
    def web_url(self) -> str:
        return f"{self._scheme}://{reachable(self.host)}:{self.web_port}" if self.web_port else ""

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def tls_flags(self) -> tuple[str, ...]:
        return ("--tls-cert", self.tls[0], "--tls-key", self.tls[1]) if self.tls else ()

    @property
    def shown_key(self) -> str:
        """The key to show to who has started all this; "" when there is none to show."""
        return self.api_keys[0] if self.api_keys else self.first_key


def reachable(host: str) -> str:
    """An address by which this machine reaches a server that listens on `host`."""
    match host:
        case "0.0.0.0" | "":
            return "127.0.0.1"
        case "::":
            return "[::1]"
        case _:
            return f"[{host}]" if ":" in host else host


def controller(plan: Plan) -> Role:
    flags = ("--host", plan.controller_host, "--port", str(plan.controller_port))
    return Role(
        "controller",
        ("controller", *flags),
        ReadyCheck(f"{plan.controller_url}/health"),
        environment=token_of(plan),
        stop_rank=3,
        stop_within_s=0.5,
    )


def workers(plan: Plan) -> list[Role]:
    """One a model. With several, each is named by its place."""
    several = len(plan.models) > 1
    return [
        _worker(plan, place, name=f"worker-{place + 1}" if several else "worker")
        for place in range(len(plan.models))
    ]


def _worker(plan: Plan, place: int, *, name: str) -> Role:
    model, port = plan.models[place], plan.worker_ports[place]
    own = plan.model_flags[place] if plan.model_flags else ()
    what = ("--engine", ECHO) if model == ECHO else (model,)
    drain = ("--drain-timeout", "1")  # seconds; by then no gateway sends it anything
    flags = ("--port", str(port), "--controller-address", plan.controller_url, *drain)

    def missing(body: bytes) -> str:
        return missing_replica(body, port)

    return Role(
        name,
        ("worker", *what, *flags, *plan.worker_flags, *own),
        ReadyCheck(f"{plan.controller_url}/replicas", missing, bearer=plan.token),
        environment=token_of(plan),
        start_within_s=None,
        stop_rank=2,
        stop_within_s=2.0,
    )


def api(plan: Plan) -> Role:
    flags = ("--host", plan.host, "--port", str(plan.port), "--controller-address", plan.controller_url)
    drain = ("--drain-timeout", "1")  # seconds; a running answer is then cut
    keep = ("--keep-responses-days", str(plan.keep_responses_days))
    database = {"POLYCHAT_DB": plan.database} if plan.database else {}
    keys = {"POLYCHAT_API_KEYS": ",".join(plan.api_keys)} if plan.api_keys else {}
    keys["POLYCHAT_INTERNAL_KEY"] = plan.internal_key
    return Role(
        "api",
        (
            "api",
            *flags,
            *drain,
            *keep,
            *plan.tls_flags,
            *plan.api_flags,
            *(f"--alias={pair}" for pair in plan.aliases),
        ),
        ReadyCheck(f"{plan.api_url}/v1/models", missing_models, bearer=plan.internal_key),
        environment=token_of(plan) | keys | database,
        start_within_s=None,  # it waits for the models
        stop_rank=1,
        stop_within_s=1.5,
    )


def web(plan: Plan) -> Role:
    flags: tuple[str, ...] = ("--host", plan.host, "--port", str(plan.web_port), "--api-url", plan.api_url)
    if plan.tls:  # by whatever name the API is known: it is this one
        flags += (*plan.tls_flags, "--api-cert", plan.tls[0])
    key = {"POLYCHAT_API_KEY": plan.internal_key}
    return Role("web", ("web", *flags), ReadyCheck(f"{plan.web_url}/"), environment=key, start_within_s=180.0)


def missing_replica(body: bytes, port: int) -> str:
    """What `GET /replicas` says of the worker on `port`: empty when it is ready."""
    for replica in json.loads(body):
        if replica["url"].endswith(f":{port}") and replica.get("outside") is None:
            state, detail = replica["state"], replica["detail"]
            return "" if state == "ready" else f"{state}: {detail}" if detail else str(state)
    return "not registered yet"


def missing_models(body: bytes) -> str:
    """`GET /v1/models` names at least one model."""
    return "" if json.loads(body)["data"] else "no model yet"


def token_of(plan: Plan) -> dict[str, str]:
    """What a role's environment holds of the token."""
    return {"POLYCHAT_TOKEN": plan.token} if plan.token else {}
