"""What an engine is to the rest of the platform, and what it does differently from the published API.

An engine is a program that holds weights and answers OpenAI's API over HTTP at the URL that `start` returns.
Requests go from a gateway straight to that URL: neither the engine object here nor the worker around it is
ever in their path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from polychat.types import Endpoint, Load


class Engine(Protocol):
    """One engine on this machine, driven by the worker's agent."""

    name: str
    endpoints: frozenset[Endpoint]
    context_length: int | None  # tokens; known once started
    url: str  # where it answers, or tries to while it starts; "" before

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


class EngineUnresponsive(Exception):
    """The engine's process is there but does not answer."""


def unchanged(data: bytes) -> bytes:
    """The identity: this engine already speaks the published API here."""
    return data


@dataclass(frozen=True, slots=True)
class RequestView:
    """The facts of a request that a transformation may depend on."""

    endpoint: Endpoint
    model: str  # the name that the client used
    stream: bool
    include_usage: bool  # stream_options.include_usage
    wants_private_fields: bool = False  # the client asked for the engine's own extensions


BodyRewrite = Callable[[bytes, RequestView], bytes]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine departs from the published API, as pure functions over bytes; None where it does not.

    The gateway applies them to this engine's traffic only. Each must cost nothing on what it leaves alone.
    """

    request: BodyRewrite | None = None  # a request's body, before it is sent
    response: BodyRewrite | None = None  # a whole successful response's body
    event: BodyRewrite | None = None
    """The data of one streamed event (JSON, not "[DONE]"). b"" drops it; a newline begins another event."""
