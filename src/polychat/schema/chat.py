"""POST /v1/chat/completions: the request."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.schema.generation import Free, GenerationRequest, NonEmpty, Tokens
from polychat.types import Feature


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
    continue_final_message: bool | None = None  # vLLM's: go on with the assistant's last message

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("[top_logprobs] is only allowed when 'logprobs' is true")
        if isinstance(self.tool_choice, str) and self.tool_choice not in ("none", "auto", "required"):
            raise ValueError("[tool_choice] must be 'none', 'auto', 'required' or a tool")

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        kind = self.response_format.type if self.response_format else "text"
        asked = {
            Feature.TOOLS: bool(self.tools) and self.tool_choice != "none",
            Feature.JSON_SCHEMA: kind != "text",
            Feature.LOGPROBS: bool(self.logprobs),
            Feature.LOGIT_BIAS: bool(self.logit_bias),
            Feature.CONTINUE: bool(self.continue_final_message),
        }
        parts = [part.type for m in self.messages if isinstance(m.content, list) for part in m.content]
        seen = {_FEATURES_OF_PARTS[part] for part in parts if part in _FEATURES_OF_PARTS}
        return frozenset(feature for feature, is_asked in asked.items() if is_asked) | seen


_FEATURES_OF_PARTS = {"image_url": Feature.VISION, "input_audio": Feature.AUDIO_INPUT}
