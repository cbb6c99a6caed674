"""One call of a model that a relay carries out, at one replica after the other if need be."""

from collections.abc import Callable
from dataclasses import dataclass, field

from polychat.engines.base import RequestView
from polychat.errors import PlatformError, ReplicaError
from polychat.gateway.continuation.transcript import Transcript
from polychat.gateway.journey import Journey
from polychat.gateway.sink import Sink
from polychat.types import Endpoint

_MAY_GO_ON = (Endpoint.CHAT, Endpoint.COMPLETIONS)


def _nobody(ttft_s: float | None) -> None:
    """Nobody has been asked yet."""


@dataclass(slots=True)
class Errand:
    """What is asked, by whom, and where the answer goes. `body` and `view` change when a stream goes on."""

    journey: Journey
    body: bytes
    view: RequestView
    sink: Sink
    tries: int = 0  # replicas that it has been sent to since it last made progress
    began_s: float = 0.0  # when it was sent to the present one; of the event loop's clock
    heard_s: float | None = None  # when the present one's first event came
    tell: Callable[[float | None], None] = _nobody
    asked: tuple[bytes, RequestView] | None = None  # what the client has asked for, once a stream goes on
    cut: ReplicaError | None = None  # what the stream broke off with that is being continued
    transcript: Transcript = field(default_factory=Transcript)

    def begin(self, now_s: float, tell: Callable[[float | None], None]) -> None:
        """It is sent to a replica now; `tell` is called with the TTFT once that answers."""
        self.tries += 1
        self.began_s, self.heard_s, self.tell = now_s, None, tell
        if self.journey.sent_s is None:
            self.journey.sent_s = now_s

    def hear(self, now_s: float) -> None:
        """The present replica answers. How soon says something of it for a stream of text only."""
        if self.heard_s is None:
            self.heard_s = now_s
            self.tell(now_s - self.began_s if self.keeps_transcript else None)

    @property
    def has_begun(self) -> bool:
        """Whether the answer cannot begin anew: the client has some of it."""
        return self.sink.has_begun or not self.transcript.is_empty

    @property
    def keeps_transcript(self) -> bool:
        """Whether another replica may have to go on with what this one says."""
        return self.view.stream and self.view.endpoint in _MAY_GO_ON

    async def go_on(self, failure: ReplicaError) -> bool:
        """Ask for the rest of the stream that `failure` has cut; False if nothing is left to ask for.

        Raises:
            ReplicaError: the rest cannot be asked for.
        """
        if self.asked is None:
            self.asked = self.body, self.view
        rest = self.transcript.rest(*self.asked) if self.keeps_transcript else "it is no text"
        if isinstance(rest, str):
            raise extended(failure, f"It cannot be continued on another replica: {rest}.") from failure
        if rest.is_ended:
            await self.sink.events(rest.ending)
            await self.sink.end()
            return False
        if rest.has_grown:
            self.tries = 0
        self.body, self.view, self.cut = rest.body, rest.view, failure
        self.journey.continued += 1
        return True


def extended(failure: ReplicaError, more: str) -> ReplicaError:
    """The same failure with a second sentence."""
    error = ReplicaError(f"{failure} {more}")
    error.status, error.type, error.code = failure.status, failure.type, failure.code
    return error


def unable_to_go_on(cut: ReplicaError, why: PlatformError) -> ReplicaError:
    """The failure of a stream that no replica goes on with."""
    return extended(cut, f"No other replica could go on with it: {why}")
