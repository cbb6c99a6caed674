"""The parts of a chat completion, or of one chunk of it, of which a response is made."""

from typing import Any

import msgspec

from polychat.errors import ReplicaError


class CalledFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class CallPiece(msgspec.Struct):
    """A piece of a tool call; the whole one where nothing streams, which then has no index."""

    index: int | None = None
    id: str | None = None
    function: CalledFunction = msgspec.field(default_factory=CalledFunction)


class Said(msgspec.Struct):
    """A delta or a message: both have the same fields."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None  # newer vLLM's name for it
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None


class Logprobs(msgspec.Struct):
    content: list[dict[str, Any]] | None = None  # Any: decoded JSON, passed on


class Choice(msgspec.Struct):
    index: int = 0
    delta: Said | None = None
    message: Said | None = None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Chunk(msgspec.Struct):
    choices: list[Choice] = msgspec.field(default_factory=list)
    usage: Usage | None = None
    error: dict[str, Any] | str | None = None  # Any: engines put anything here


_decode = msgspec.json.Decoder(Chunk).decode


def read(data: bytes) -> Chunk:
    """A chat completion or a chunk of one.

    Raises:
        ReplicaError: it is none, or says that the engine broke.
    """
    try:
        chunk = _decode(data)
    except msgspec.DecodeError as exc:
        raise ReplicaError(f"The replica sent what is no chat completion: {exc}.") from exc
    if chunk.error is not None:
        said = chunk.error.get("message") if isinstance(chunk.error, dict) else chunk.error
        raise ReplicaError(f"The engine failed: {said}")
    return chunk


def usage_of(counts: Usage) -> dict[str, object]:
    """Token counts under the names that responses have for them."""
    prompt, completion = counts.prompt_tokens_details, counts.completion_tokens_details
    return {
        "input_tokens": counts.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": (prompt and prompt.cached_tokens) or 0,
            "cache_write_tokens": 0,
        },
        "output_tokens": counts.completion_tokens,
        "output_tokens_details": {
            "reasoning_tokens": (completion and completion.reasoning_tokens) or 0,
        },
        "total_tokens": counts.prompt_tokens + counts.completion_tokens,
    }
