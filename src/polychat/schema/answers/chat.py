"""POST /v1/chat/completions: the answer, whole and in chunks."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from polychat.schema.answers.usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class FunctionCall(msgspec.Struct):
    name: str
    arguments: str  # JSON


class AnswerToolCall(msgspec.Struct):
    id: str
    type: str
    function: FunctionCall | UnsetType = UNSET


class AnswerMessage(msgspec.Struct):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[AnswerToolCall] | None = None


class TokenChance(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class ChatTokenChance(TokenChance):
    top_logprobs: list[TokenChance] = msgspec.field(default_factory=list)


class ChatLogprobs(msgspec.Struct):
    content: list[ChatTokenChance] | None = None
    refusal: list[ChatTokenChance] | None = None


class ChatChoice(msgspec.Struct):
    index: int
    message: AnswerMessage
    finish_reason: FinishReason
    logprobs: ChatLogprobs | None = None


class ChatCompletion(msgspec.Struct):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class FunctionCallDelta(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(msgspec.Struct):
    """A piece of a tool call; pieces with the same `index` belong together."""

    index: int
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None


class ChatDelta(msgspec.Struct):
    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChatChunkChoice(msgspec.Struct):
    index: int
    delta: ChatDelta
    finish_reason: FinishReason | None = None
    logprobs: ChatLogprobs | None = None


class ChatCompletionChunk(msgspec.Struct):
    """One event of a streamed answer. The last one before [DONE] has the usage, if that was asked for."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChatChunkChoice]
    usage: Usage | None = None
