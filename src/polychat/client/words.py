"""What goes to the API and comes from it, and what can go wrong on the way."""

from dataclasses import dataclass
from typing import Literal

from polychat.errors import PlatformError

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How the model picks tokens. None is not sent: the engine's own default holds."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One name that the API answers to."""

    id: str
    root: str  # the model's public id; equal to `id` unless `id` is another name for it
    context_length: int | None  # tokens


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event of a stream adds to the answer."""

    text: str
    finish_reason: str | None
    reasoning: str = ""
    usage: Usage | None = None


class ApiError(PlatformError):
    """The API refused or broke; `str(error)` is its own message."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 502,
        code: str | None = "api_error",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code: str | None = code
        self.retry_after_s = retry_after_s


class ApiUnreachable(ApiError):
    """Nothing answers at the URL."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"Nothing answers at {url} ({why}). Is `polychat api` running, and is this its address?",
            status=503,
            code="api_unreachable",
        )


class AnswerCutOff(ApiError):
    """The stream ended before the model had finished."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The answer was cut off: {why}.", code="answer_cut_off")
