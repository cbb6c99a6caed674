"""Options of the API that `polychat api` and `polychat up` share; `up` passes them on to it.

To add one: its type and its name in HANDED_ON here, a parameter in api.py and in up.py.
"""

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from polychat.gateway.request_log import RequestLog as RequestLogChoice
    from polychat.telemetry.traces import Tracer

Processes = Annotated[
    int, typer.Option(help="Gateway processes that share the port; 0: one for each CPU core.", min=0, max=32)
]
QueueTimeout = Annotated[float, typer.Option(help="Seconds a request waits for a model that is busy.", min=0)]
ReplicaTimeout = Annotated[
    float, typer.Option(help="Seconds a request waits while no replica of its model is ready.", min=0)
]
QueueSize = Annotated[int, typer.Option(help="Requests that may wait for one model.", min=0)]
BatchShare = Annotated[
    float,
    typer.Option(help="Of a busy model's turns, for batch requests while others wait too.", min=0, max=0.9),
]
MaxTries = Annotated[int, typer.Option(help="Replicas that one request is sent to when they fail.", min=1)]
FirstByteTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds until a stream that has not begun is asked for elsewhere; 0: no limit.", min=0
    ),
]
ClientTimeout = Annotated[
    float,
    typer.Option(help="Seconds until a client that takes nothing and says nothing is gone.", min=1),
]
MetricsToken = Annotated[
    str,
    typer.Option(
        help="What Prometheus shows as bearer token to read /metrics; better by environment than here.",
        envvar="POLYCHAT_METRICS_TOKEN",
    ),
]
OtlpEndpoint = Annotated[
    str, typer.Option(help="Send traces to this collector (OTLP over HTTP), such as http://127.0.0.1:4318.")
]
RequestLog = Annotated[str, typer.Option(help="Requests to log: off, errors or all.")]
ImageHosts = Annotated[
    str, typer.Option(help="Hosts of this network that images may be fetched from, split by commas.")
]

DispatchMethod = Annotated[
    str,
    typer.Option(
        help="How a replica is chosen: cache_aware, two_choices, least_loaded (shortest_queue), round_robin, "
        "lottery or session."
    ),
]

HANDED_ON = frozenset(
    {
        "processes",
        "dispatch_method",
        "queue_timeout",
        "replica_timeout",
        "client_timeout",
        "queue_size",
        "batch_share",
        "max_tries",
        "first_byte_timeout",
        "request_log",
        "otlp_endpoint",
        "image_hosts",
    }
)
"""Parameters of `up` that its API is given when somebody gave them to `up`."""

DISPATCH_METHOD = "cache_aware"
MAX_PROCESSES = 32
QUEUE_TIMEOUT_S = 30.0
REPLICA_TIMEOUT_S = 5.0
QUEUE_SIZE = 200
BATCH_SHARE = 0.1
MAX_TRIES = 5
FIRST_BYTE_TIMEOUT_S = 120.0
CLIENT_TIMEOUT_S = 60.0


def processes(asked: int) -> int:
    """How many are meant."""
    if asked:
        return asked
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MAX_PROCESSES, usable)


def request_log(which: str) -> "RequestLogChoice":
    """Raises SetupError for what is none of the choices."""
    from polychat.errors import SetupError
    from polychat.gateway.request_log import CHOICES

    for choice in CHOICES:
        if which == choice:
            return choice
    raise SetupError(f"--request-log {which} is unknown; choose one of {', '.join(CHOICES)}")


def tracer(endpoint: str) -> "Tracer":
    """Raises SetupError for what is no address, or when the SDK is missing."""
    from polychat.client import normal_url
    from polychat.telemetry.traces import NO_TRACER, Otlp

    return Otlp(normal_url(endpoint), service="polychat-api") if endpoint else NO_TRACER
