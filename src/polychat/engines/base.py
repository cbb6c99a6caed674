"""What an engine is to the rest of the platform, and what it does differently from the published API.

An engine is a program that holds weights and answers OpenAI's API over HTTP at the URL that `start` returns.
Requests go from a gateway straight to that URL: neither the engine object here nor the worker around it is
ever in their path.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from msgspec import Struct

from polychat.errors import PlatformError
from polychat.schema import Request
from polychat.types import Endpoint, Feature, Load


class Engine(Protocol):
    """One engine on this machine, driven by the worker's agent."""

    name: str
    endpoints: frozenset[Endpoint]
    features: frozenset[Feature] | None  # what the model can do here; None: not known
    context_length: int | None  # tokens; known once started
    adapters: tuple[str, ...]  # LoRA adapters that it answers for beside its model; may change while it runs

    @property
    def url(self) -> str:
        """Where it answers, or tries to while it starts; "" before."""

    @property
    def progress(self) -> str:
        """What its start is at, and how long each phase took: "import 8 s, loading since 12 s"."""

    async def start(self) -> str:
        """Start, wait until the engine answers, return its base URL without "/v1".

        May be called again after `wait_exit` has returned.

        Raises:
            EngineStartError: it did not become ready; carries the log's tail.
        """

    async def wait_exit(self) -> str:
        """Wait until the engine is gone though nobody called `stop`; how, such as "killed by SIGSEGV"."""

    async def load(self) -> Load:
        """The engine's load now.

        Raises:
            EngineUnresponsive: it does not answer.
        """

    async def stop(self) -> None:
        """End the engine at once and leave no process behind. Safe to call twice."""


@runtime_checkable
class NamesItsModel(Protocol):
    """An engine whose server calls its model by a name of its own, known once it runs."""

    upstream_model: str


class EngineUnresponsive(Exception):
    """The engine's process is there but does not answer."""


class RequestView(Struct, frozen=True):
    """The facts of a request that its shaping may depend on."""

    endpoint: Endpoint
    model: str  # the name that the client used
    stream: bool = False
    include_usage: bool = False  # stream_options.include_usage
    wants_private_fields: bool = False  # the client asked for the engine's own extensions
    needs: frozenset[Feature] = frozenset()
    request: Request | None = None  # typed, as the gateway has checked it
    content_type: str = "application/json"  # of the body; forms keep theirs
    context_length: int | None = None  # tokens; of the replica that is asked, as the next
    endpoints: frozenset[Endpoint] = frozenset()
    slots: int = 0  # requests that it runs at once; 0: not known, or no limit
    adapters: tuple[str, ...] = ()  # LoRA adapters that it serves beside its model
    upstream_model: str = ""  # what the engine calls the model; "": as the client does


class Shaped(Struct, frozen=True):
    """One call to an engine, and what its answer becomes.

    The functions are made for one request: an `event` may remember what it saw before. They raise
    PlatformError for what the client must be told. None leaves the bytes as they came.
    """

    path: str
    body: bytes
    response: "Callable[[bytes], bytes | Shaped] | None" = None
    """A whole successful answer's body as the client gets it, or the next call that the request needs."""
    event: Callable[[bytes], bytes] | None = None
    """The data of one streamed event (JSON, not "[DONE]"). b"" drops it; a newline begins another event."""
    refused: Callable[[int, bytes], PlatformError | None] | None = None
    """The error behind an answer of another status than 200, by its body; None when it is as any engine's."""
    then: "Callable[[], Shaped] | None" = None
    """The call whose stream goes on where this one's has ended well."""
    is_side_call: bool = False  # not what the client asked for: its answer never streams to the client


Dialect = Callable[[bytes, RequestView], Shaped]
"""How to ask one kind of engine for what the published API calls `view.request`, whose body is `body`.

Pure: the gateway makes the calls. It must cost nothing on what it leaves alone.
"""


def published(body: bytes, view: RequestView) -> Shaped:
    """The dialect of an engine that speaks the published API: nothing changes."""
    return Shaped(view.endpoint, body)
