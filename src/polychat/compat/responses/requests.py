"""POST /v1/responses: the request, with the published ranges.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.compat.responses.input_types import Item
from polychat.schema.generation import Free, NonEmpty, Temperature, Tokens, TopP
from polychat.schema.validation import ALLOWED, parser_of

Key = Annotated[str, Meta(max_length=64)]
Value = Annotated[str, Meta(max_length=512)]
Metadata = Annotated[dict[Key, Value], Meta(max_length=16)]
Identifier = Annotated[str, Meta(max_length=1024)]
_TOOLS = ("function", "custom")


class StreamOptions(msgspec.Struct):
    include_obfuscation: bool | None = None


class ToolFormat(msgspec.Struct):
    type: NonEmpty = "text"


class Tool(msgspec.Struct):
    type: NonEmpty
    name: str | None = None
    description: str | None = None
    parameters: Free | None = None
    strict: bool | None = None
    format: ToolFormat | None = None  # of a custom tool's input

    def __post_init__(self) -> None:
        if self.type not in _TOOLS:
            raise ValueError(
                f"[type] must be 'function' or 'custom': the hosted tool {self.type!r} is not supported here"
            )
        if not self.name:
            raise ValueError(f"[name] is required in a tool of type '{self.type}'")
        if self.format is not None and self.format.type != "text":
            raise ValueError(f"[format] of type {self.format.type!r} is not supported here, only 'text'")


class AllowedTool(msgspec.Struct):
    type: NonEmpty = "function"
    name: str | None = None


class ToolChoice(msgspec.Struct):
    type: NonEmpty
    name: str | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[AllowedTool] | None = None

    def __post_init__(self) -> None:
        match self.type:
            case "allowed_tools" if not self.tools:
                raise ValueError("[tools] is required in a tool choice of type 'allowed_tools'")
            case "function" | "custom" if not self.name:
                raise ValueError(f"[name] is required in a tool choice of type '{self.type}'")
            case "allowed_tools" | "function" | "custom":
                pass
            case hosted:
                raise ValueError(f"[type] {hosted!r} is a hosted tool, which is not supported here")

    @property
    def names(self) -> frozenset[str]:
        """The tools that may be called."""
        allowed = [tool.name for tool in self.tools or []] if self.type == "allowed_tools" else [self.name]
        return frozenset(name for name in allowed if name)


class TextFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema: Free | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        if self.type == "json_schema" and not self.name:
            raise ValueError("[name] is required in a format of type 'json_schema'")
        if self.type == "json_schema" and self.schema is None:
            raise ValueError("[schema] is required in a format of type 'json_schema'")


class Text(msgspec.Struct):
    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(msgspec.Struct):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


Includable = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
_NOT_SENT = msgspec.Raw()
_NOT_HERE = ("conversation", "prompt", "context_management", "moderation")


class CountRequest(msgspec.Struct, kw_only=True):
    """POST /v1/responses/input_tokens, and what it shares with the request that it counts for."""

    model: NonEmpty
    input: str | list[Item] | None = None
    instructions: str | None = None
    previous_response_id: NonEmpty | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None
    conversation: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)

    def __post_init__(self) -> None:
        self._require_known_tools()
        for name in _NOT_HERE:
            if bytes(getattr(self, name, _NOT_SENT)).strip() not in (b"", b"null", b"[]"):
                raise ValueError(f"[{name}] is not supported here")

    def _require_known_tools(self) -> None:
        choice = self.tool_choice
        if isinstance(choice, str) and choice not in ("none", "auto", "required"):
            raise ValueError("[tool_choice] must be 'none', 'auto', 'required' or a tool")
        names = {tool.name for tool in self.tools or []}
        if isinstance(choice, ToolChoice) and (absent := sorted(choice.names - names)):
            raise ValueError(f"[tool_choice] names {absent[0]!r}, which is not among 'tools'")
        if choice == "required" and not names:
            raise ValueError("[tool_choice] is 'required' without any 'tools'")


class ResponseRequest(CountRequest, kw_only=True):
    """POST /v1/responses."""

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    background: bool | None = None
    store: bool | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    max_output_tokens: Tokens | None = None
    max_tool_calls: Tokens | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    include: list[Includable] | None = None
    metadata: Metadata | None = None
    user: str | None = None
    safety_identifier: Identifier | None = None
    prompt_cache_key: Identifier | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None
    prompt: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    context_management: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    moderation: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stream_options is not None and not self.stream:
            raise ValueError("[stream_options] is only allowed when 'stream' is true")
        if self.background and self.store is False:
            raise ValueError("[background] needs 'store' to be true: its answer is fetched later")
        if self.input is None and self.previous_response_id is None:
            raise ValueError("[input] is required")

    @property
    def is_stored(self) -> bool:
        return self.store is not False

    @property
    def wants_logprobs(self) -> bool:
        return "message.output_text.logprobs" in (self.include or [])


_ALLOWED = ALLOWED | {"input": "a string or a list of input items"}
parse = parser_of(ResponseRequest, _ALLOWED)
parse_count = parser_of(CountRequest, _ALLOWED)
