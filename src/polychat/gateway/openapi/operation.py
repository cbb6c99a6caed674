"""What the document says of one route."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import msgspec

from polychat.schema.answers.errors import AnthropicError, ErrorEnvelope, OllamaError

MODEL = "polychat-mini"  # in examples: the model that comes with polychat
SSE = "text/event-stream"
LINES = "application/x-ndjson"

Struct = type[msgspec.Struct]


class Api(StrEnum):
    """Whose clients a route is for, which decides how they are told of errors."""

    OPENAI = "OpenAI"
    RESPONSES = "OpenAI Responses"
    ANTHROPIC = "Anthropic"
    OLLAMA = "Ollama"
    EXTRA = "Rank, score, tokens"
    SERVICE = "Service"
    ADMIN = "Administration"

    @property
    def errors(self) -> Struct:
        return _ERRORS.get(self, ErrorEnvelope)


_ERRORS: Mapping[Api, Struct] = {Api.ANTHROPIC: AnthropicError, Api.OLLAMA: OllamaError}

STATUSES: Mapping[int, str] = MappingProxyType(
    {
        400: "The request must be changed; the message names the field.",
        401: "The key is missing or wrong.",
        403: "The key is not good for this.",
        404: "The model, or what the path names, is not there.",
        405: "The path does not take this method.",
        413: "The body is larger than the gateway allows.",
        415: "The content type is not taken.",
        429: "The key has used what it may, or the model is overloaded; the header Retry-After says when.",
        500: "The engine failed, or the gateway did.",
        501: "The model's engine does not do this.",
        502: "The replica broke off.",
        503: "Nothing is ready to answer now; the header Retry-After says when to try again.",
        504: "The replica did not answer in time.",
    }
)
RUNS_A_MODEL = (400, 401, 403, 404, 413, 415, 429, 500, 501, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Stream:
    """A streamed answer: one `piece` an event, or a line."""

    media_type: str
    piece: Struct | None
    what: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, whose parameters stand in braces."""

    method: str
    path: str
    summary: str
    api: Api
    request: Struct | None = None
    answer: Struct | None = None  # None: no success is possible, or it is not JSON
    example: Mapping[str, object] = field(default_factory=dict)  # of the request
    stream: Stream | None = None
    other_types: tuple[str, ...] = ()  # content types of a successful answer besides JSON
    files: tuple[str, ...] = ()  # fields of a form that are files; empty: the request is JSON
    refuses: tuple[str, ...] = ()  # fields of the request that the gateway knows only to refuse them
    query: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # parameters and their schemas
    statuses: tuple[int, ...] = RUNS_A_MODEL  # of errors
    is_open: bool = False  # needs no key
    note: str = ""  # more than the summary
