"""POST /v1/chat/completions: the request."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.errors import RequestError
from polychat.schema.generation import Free, GenerationRequest, NonEmpty, Tokens
from polychat.schema.messages import (
    FEATURES_OF_PARTS,
    CalledFunction,
    ContentPart,
    Message,
    ToolCall,
    require_answered_calls,
)
from polychat.schema.response_format import ResponseFormat, require_right_schema
from polychat.schema.tools import (
    FunctionTool,
    NamedFunction,
    NamedTool,
    Tool,
    require_known_choice,
    require_right_tools,
)
from polychat.types import Feature

__all__ = [
    "CalledFunction",
    "ChatRequest",
    "ContentPart",
    "FunctionTool",
    "Message",
    "NamedFunction",
    "NamedTool",
    "ResponseFormat",
    "Tool",
    "ToolCall",
]

MetadataKey = Annotated[str, Meta(max_length=64)]
Anything = Free | list[msgspec.Raw] | str
MetadataValue = Annotated[str, Meta(max_length=512)]


class AudioOutput(msgspec.Struct):
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: Free | NonEmpty


class Prediction(msgspec.Struct):
    type: Literal["content"]
    content: str | list[ContentPart]


class ChatRequest(GenerationRequest, kw_only=True):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: AudioOutput | None = None
    prediction: Prediction | None = None
    store: bool | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=16)] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    safety_identifier: Annotated[str, Meta(max_length=128)] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    prompt_cache_options: Free | None = None
    functions: Anything | None = None
    function_call: Anything | None = None
    web_search_options: Anything | None = None
    moderation: Anything | None = None
    continue_final_message: bool | None = None  # vLLM's: go on with the assistant's last message
    add_generation_prompt: bool | None = None  # vLLM's

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_what_fits()
        self._require_nothing_absent()
        if self.tools:
            require_right_tools(self.tools)
        require_known_choice(self.tool_choice, self.tools or ())
        if self.response_format is not None:
            require_right_schema(self.response_format)
        require_answered_calls(self.messages)

    def _require_what_fits(self) -> None:
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise RequestError(
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                param="max_tokens",
            )
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("[top_logprobs] is only allowed when 'logprobs' is true")
        if isinstance(self.tool_choice, str) and self.tool_choice not in ("none", "auto", "required"):
            raise ValueError("[tool_choice] must be 'none', 'auto', 'required' or a tool")
        if self.parallel_tool_calls is not None and not self.tools:
            raise ValueError("[parallel_tool_calls] is only allowed when 'tools' are specified")
        if self.continue_final_message:
            self._require_something_to_continue()

    def _require_something_to_continue(self) -> None:
        if self.add_generation_prompt:
            raise ValueError(
                "[continue_final_message] does not go with 'add_generation_prompt': the one goes on with a "
                "message, the other begins a new one"
            )
        if self.messages[-1].role != "assistant" or not self.messages[-1].content:
            raise ValueError(
                "[continue_final_message] needs the last message to be the assistant's, with a content"
            )

    def _require_nothing_absent(self) -> None:
        """What no engine does, and would be missed: unknown fields pass, but promises of OpenAI's do not."""
        given = self.functions, self.function_call, self.web_search_options, self.moderation
        if given != _NOTHING_GIVEN:
            for name, instead in _NOT_HERE.items():
                if getattr(self, name) not in (None, []):
                    raise ValueError(f"[{name}] is not supported here; {instead}")
        if self.modalities and "audio" in self.modalities:
            raise ValueError("[modalities] with 'audio' is not supported here; ask for ['text']")

    @property
    def needs(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        needs: list[Feature] = []
        if self.tools and self.tool_choice != "none":
            needs.append(Feature.TOOLS)
        if self.response_format is not None and self.response_format.type != "text":
            needs.append(Feature.JSON_SCHEMA)
        if self.logprobs:
            needs.append(Feature.LOGPROBS)
        if self.logit_bias:
            needs.append(Feature.LOGIT_BIAS)
        if self.continue_final_message:
            needs.append(Feature.CONTINUE)
        for message in self.messages:
            if type(message.content) is list:
                needs += [FEATURES_OF_PARTS[p.type] for p in message.content if p.type in FEATURES_OF_PARTS]
        return frozenset(needs)


_NOTHING_GIVEN = (None, None, None, None)
_NOT_HERE = {
    "functions": "use 'tools'",
    "function_call": "use 'tools' and 'tool_choice'",
    "web_search_options": "give the model a tool that searches",
    "moderation": "moderate with a model of your own",
}
