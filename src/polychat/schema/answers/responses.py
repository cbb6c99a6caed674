"""The Responses API: the answers. Items and tools are told apart by their `type`, as OpenAI has published."""

from typing import Any, Literal

import msgspec

Item = dict[str, Any]  # as many kinds as OpenAI has published


class ResponseFailure(msgspec.Struct):
    code: str
    message: str


class Incomplete(msgspec.Struct):
    reason: str


class InputTokenDetails(msgspec.Struct):
    cached_tokens: int


class OutputTokenDetails(msgspec.Struct):
    reasoning_tokens: int


class ResponseUsage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputTokenDetails
    output_tokens_details: OutputTokenDetails


class Response(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["response"]
    created_at: float
    completed_at: float | None = None
    status: Literal["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]
    background: bool | None = None
    error: ResponseFailure | None
    incomplete_details: Incomplete | None
    instructions: str | list[Item] | None
    max_output_tokens: int | None = None
    metadata: dict[str, str] | None
    model: str
    output: list[Item]
    parallel_tool_calls: bool
    previous_response_id: str | None = None
    temperature: float | None
    text: dict[str, Any]  # as the request had it
    tool_choice: str | Item
    tools: list[Item]
    top_p: float | None
    truncation: Literal["auto", "disabled"] | None = None
    usage: ResponseUsage | None


class DeletedResponse(msgspec.Struct):
    id: str
    object: Literal["response"]
    deleted: bool


class ItemList(msgspec.Struct):
    object: Literal["list"]
    data: list[Item]
    first_id: str | None
    last_id: str | None
    has_more: bool


class InputTokens(msgspec.Struct):
    object: Literal["response.input_tokens"]
    input_tokens: int
