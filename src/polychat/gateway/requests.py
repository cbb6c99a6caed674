"""The requests of the published API that the gateway takes, with their types, ranges and enumerations.

Fields that are not named here are forwarded untouched: an engine may know more than OpenAI published.
Source: https://github.com/openai/openai-openapi, CreateChatCompletionRequest and CreateCompletionRequest.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Temperature = Annotated[float, Meta(ge=0, le=2)]
TopP = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Count = Annotated[int, Meta(ge=1, le=128)]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Stop = str | Annotated[list[str], Meta(max_length=4)]
LogitBias = dict[str, Annotated[float, Meta(ge=-100, le=100)]]
NonEmpty = Annotated[str, Meta(min_length=1)]
Free = dict[str, msgspec.Raw]  # an object that only the engine looks into


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class GenerationRequest(msgspec.Struct, kw_only=True):
    """What chat and completions share."""

    model: NonEmpty
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    n: Count | None = None
    stop: Stop | None = None
    seed: Int64 | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    user: str | None = None
    timings_per_token: bool | None = None  # llama.cpp's: asks for its private fields

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the token counts."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def __post_init__(self) -> None:
        if self.stream_options is not None and not self.stream:
            raise ValueError("[stream_options] is only allowed when 'stream' is true")


class ContentPart(msgspec.Struct):
    """One part of a message. Types that OpenAI has not published pass: engines know video and more."""

    type: NonEmpty
    text: str | None = None
    image_url: Free | str | None = None
    refusal: str | None = None

    def __post_init__(self) -> None:
        if self.type == "text" and self.text is None:
            raise ValueError("[text] is required in a part of type 'text'")
        if self.type == "image_url" and self.image_url is None:
            raise ValueError("[image_url] is required in a part of type 'image_url'")


class CalledFunction(msgspec.Struct):
    name: NonEmpty
    arguments: str = ""


class ToolCall(msgspec.Struct):
    """A tool call that the assistant made earlier."""

    id: str | None = None
    type: Literal["function", "custom"] = "function"
    function: CalledFunction | None = None

    def __post_init__(self) -> None:
        if self.type == "function" and self.function is None:
            raise ValueError("[function] is required in a tool call")


class Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[ContentPart], Meta(min_length=1)] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: CalledFunction | None = None
    refusal: str | None = None
    audio: Free | None = None

    def __post_init__(self) -> None:
        match self.role:
            case "assistant":
                says = (self.content, self.tool_calls, self.function_call, self.refusal, self.audio)
                if all(part is None for part in says):
                    raise ValueError("[content] is required when the assistant's message has no 'tool_calls'")
            case "tool" if self.tool_call_id is None:
                raise ValueError("[tool_call_id] is required in a message of role 'tool'")
            case "function" if self.name is None:
                raise ValueError("[name] is required in a message of role 'function'")
            case "function":
                pass
            case role if self.content is None:
                raise ValueError(f"[content] is required in a message of role '{role}'")


class FunctionTool(msgspec.Struct):
    name: NonEmpty
    description: str | None = None
    parameters: Free | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    type: NonEmpty
    function: FunctionTool | None = None

    def __post_init__(self) -> None:
        if self.type == "function" and self.function is None:
            raise ValueError("[function] is required in a tool of type 'function'")


class NamedFunction(msgspec.Struct):
    name: NonEmpty


class NamedTool(msgspec.Struct):
    type: NonEmpty
    function: NamedFunction | None = None

    def __post_init__(self) -> None:
        if self.type == "function" and self.function is None:
            raise ValueError("[function] is required in a tool choice of type 'function'")


class ResponseFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Free | None = None

    def __post_init__(self) -> None:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("[json_schema] is required with the type 'json_schema'")


class ChatRequest(GenerationRequest, kw_only=True):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("[top_logprobs] is only allowed when 'logprobs' is true")
        if isinstance(self.tool_choice, str) and self.tool_choice not in ("none", "auto", "required"):
            raise ValueError("[tool_choice] must be 'none', 'auto', 'required' or a tool")


class CompletionRequest(GenerationRequest, kw_only=True):
    """POST /v1/completions."""

    prompt: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    best_of: Annotated[int, Meta(ge=1, le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    suffix: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.prompt, list) and len({type(part) for part in self.prompt}) > 1:
            raise ValueError(
                "[prompt] must be a string, a list of strings, a list of tokens or a list of these"
            )
        if self.best_of is not None and self.best_of < (self.n or 1):
            raise ValueError("[best_of] must not be smaller than 'n'")


class EmbeddingRequest(msgspec.Struct):
    """POST /v1/embeddings."""

    model: NonEmpty
    input: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None
