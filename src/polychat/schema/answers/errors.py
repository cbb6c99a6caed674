"""How each API tells of an error."""

from typing import Literal

import msgspec


class ErrorFacts(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(msgspec.Struct):
    """OpenAI's. `message` is a sentence for people, `code` and `param` are for programs."""

    error: ErrorFacts


class OllamaError(msgspec.Struct):
    error: str


class AnthropicErrorFacts(msgspec.Struct):
    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "api_error",
        "overloaded_error",
        "timeout_error",
    ]
    message: str


class AnthropicError(msgspec.Struct):
    type: Literal["error"]
    error: AnthropicErrorFacts
    request_id: str
