"""What engines answer, read: the error behind a refusal, and the token counts at the end of a success.

Engines put their errors in several shapes: OpenAI's envelope, llama.cpp's (with a number for `code`),
FastAPI's `detail`, plain text. Clients see one.
"""

import json
from typing import Any

import msgspec

from polychat.errors import (
    ContextLengthExceeded,
    PlatformError,
    ReplicaError,
    ReplicaUnavailable,
    RequestError,
)
from polychat.types import Endpoint

_MAX_TEXT = 500  # characters of an engine's own words shown to a client
_NOT_THE_ENGINES_FAULT = (  # what llama.cpp says with status 500 to a request that it cannot take
    "input is not supported",
    "Failed to parse tool",
)
_LONG_PARAM = {  # the field that holds what is too long for the context
    Endpoint.CHAT: "messages",
    Endpoint.EMBEDDINGS: "input",
    Endpoint.RERANK: "documents",
    Endpoint.SCORE: "text_2",
    Endpoint.CLASSIFY: "input",
}
_TAIL_KEY = b'"usage":'
_MAX_COUNTS_BYTES = 4096
_DECODER = json.JSONDecoder()


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What one call has used, in tokens."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0  # of the prompt's
    is_estimate: bool = False


def usage_of(tail: bytes) -> Usage | None:
    """The last token counts in an answer, or in its last bytes, streamed or not; None if it has none."""
    at = tail.rfind(_TAIL_KEY)
    if at < 0:
        return None
    text = tail[at + len(_TAIL_KEY) : at + _MAX_COUNTS_BYTES].decode(errors="replace")
    try:
        counts, _ = _DECODER.raw_decode(text.lstrip())
        return _usage(counts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _usage(counts: dict[str, Any]) -> Usage:  # Any: decoded JSON
    prompt = counts.get("prompt_tokens", counts.get("input_tokens", counts.get("total_tokens")))
    completion = counts.get("completion_tokens") or counts.get("output_tokens") or 0
    details = counts.get("prompt_tokens_details") or counts.get("input_tokens_details") or {}
    if prompt is None:
        raise ValueError("no token counts")
    return Usage(int(prompt), int(completion), int(details.get("cached_tokens") or 0))


def error_of(status: int, body: bytes, endpoint: Endpoint) -> PlatformError:
    """The error for an engine's answer other than 200.

    A ReplicaUnavailable may be retried on another replica; nothing else may.
    """
    facts = _facts(body)
    message = reason_of(status, body)
    if facts.get("type") == "exceed_context_size_error":
        return _context_error(facts, message, endpoint)
    if status in (502, 503, 504):
        return ReplicaUnavailable(f"The model cannot answer now: {message}")
    if status in (401, 403, 404, 405) or status < 400:
        # The gateway asked wrongly, or asked the wrong program; the client can do nothing about it.
        return _failure(502, f"The engine refused the gateway's request (status {status}): {message}")
    if status == 500 and any(phrase in message for phrase in _NOT_THE_ENGINES_FAULT):
        return RequestError(message.partition(" - hint:")[0], param="messages")
    if status >= 500:
        return _failure(500, f"The engine failed: {message}")
    return _refusal(status, message, facts)


def reason_of(status: int, body: bytes) -> str:
    """An engine's own words for an answer other than 200."""
    return _text(_facts(body).get("message")) or f"the engine answered with status {status}"


def _failure(status: int, message: str) -> PlatformError:
    error = PlatformError(message)
    error.status, error.code = status, ReplicaError.code
    return error


def _refusal(status: int, message: str, facts: dict[str, object]) -> PlatformError:
    param, code = facts.get("param"), facts.get("code")
    error = RequestError(message, param=param if isinstance(param, str) else None)
    error.code = code if isinstance(code, str) else None
    error.status = 400 if status == 422 else status
    if "context length" in message and "token" in message:
        error.code = ContextLengthExceeded.code
    return error


def _context_error(facts: dict[str, object], message: str, endpoint: Endpoint) -> PlatformError:
    prompt_tokens, context_length = facts.get("n_prompt_tokens"), facts.get("n_ctx")
    if isinstance(prompt_tokens, int) and isinstance(context_length, int):
        param = _LONG_PARAM.get(endpoint, "prompt")
        return ContextLengthExceeded(prompt_tokens=prompt_tokens, context_length=context_length, param=param)
    error = RequestError(message)
    error.code = ContextLengthExceeded.code
    return error


def _facts(body: bytes) -> dict[str, object]:
    """The error object's fields, with at least a `message` if the engine gave any reason."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {"message": body.decode(errors="replace")} if not body.lstrip().startswith(b"<") else {}
    if not isinstance(document, dict):
        return {"message": str(document)}
    error = document.get("error", document)
    if isinstance(error, dict):
        return {"message": error.get("detail"), **error}
    return {"message": error}


def _text(reason: object) -> str:
    """An engine's reason as one line: it may be a string, or FastAPI's list of problems."""
    if reason is None:
        return ""
    text = reason if isinstance(reason, str) else json.dumps(reason)
    text = " ".join(text.replace("\0", "").split())
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"
