"""What a translation is: pure functions and small state machines from chat completions to a client's own API.

The gateway asks a replica for a chat completion and hands the answer to a `Face`, which says what the client
of another API gets to see of it. One face serves one request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from polychat import sse
from polychat.errors import PlatformError


class Face(Protocol):
    """One chat completion as the clients of another API see it."""

    stream_type: str  # content type of a streamed answer

    def whole(self, body: bytes) -> bytes:
        """The answer to a request that does not stream; `body` is a chat completion's JSON."""

    def chunk(self, data: bytes) -> bytes:
        """What one chat chunk (its JSON, never "[DONE]") adds to the stream; b"" for nothing."""

    def end(self) -> bytes:
        """What closes the stream, after the last chunk."""


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """How an API's clients are told of an error."""

    body: Callable[[PlatformError], bytes]  # the answer, when nothing has been sent yet
    event: Callable[[PlatformError], bytes]  # the last bytes of a stream that breaks


def openai_error(error: PlatformError) -> bytes:
    """OpenAI's envelope."""
    return msgspec.json.encode(error.envelope())


OPENAI_ERRORS = ErrorShape(body=openai_error, event=lambda error: sse.encode(openai_error(error)))
