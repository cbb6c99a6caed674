"""Anthropic's API: the answers."""

from typing import Any, Literal

import msgspec


class AnthropicContent(msgspec.Struct):
    """Text, a thought or the use of a tool; which other fields there are depends on the type."""

    type: Literal["text", "thinking", "tool_use"]
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None  # what the model wrote


class AnthropicUsage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class AnthropicAnswer(msgspec.Struct):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[AnthropicContent]
    stop_reason: (
        Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"] | None
    )
    stop_sequence: str | None
    usage: AnthropicUsage


class AnthropicCount(msgspec.Struct):
    input_tokens: int
