"""What Anthropic's clients send, typed, with the published ranges. What means nothing here is skipped."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.compat.anthropic.blocks import Message, Text
from polychat.compat.anthropic.errors import threads_unsupported
from polychat.compat.anthropic.pairs import require_results
from polychat.schema.generation import Free, NonEmpty, Tokens
from polychat.schema.validation import parser_of

Share = Annotated[float, Meta(ge=0, le=1)]
ToolName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}\Z")]  # as published for functions

_ALLOWED = {
    "temperature": "a number from 0 to 1",
    "top_p": "a number from 0 to 1",
    "messages": "a list of at least one message",
    "messages[].role": "one of 'user', 'assistant' and 'system'",
    "messages[].content": "a string or a list of content blocks",
    "messages[].content[].type": "one of 'text', 'image', 'document', 'search_result', 'tool_use', "
    "'tool_result', 'thinking' and 'redacted_thinking'",
    "messages[].content[].content": "a string or a list of content blocks",
    "messages[].content[].content[].type": "one of 'text', 'image', 'document' and 'search_result'",
    "system": "a string or a list of text blocks",
    "system[].type": "'text'",
    "stop_sequences": "a list of strings",
    "tools": "a list of at most 128 tools",
    "tools[].name": "1 to 64 letters, digits, underscores and dashes",
    "tool_choice.type": "one of 'auto', 'any', 'tool' and 'none'",
    "thinking.type": "one of 'enabled', 'disabled', 'adaptive' and 'between_tools'",
    "thinking.display": "'summarized' or 'omitted'",
    "output_config.effort": "one of 'low', 'medium', 'high', 'xhigh' and 'max'",
    "output_config.format.type": "'json_schema'",
    "output_format.type": "'json_schema'",
}


class Tool(msgspec.Struct):
    """A tool that the client runs."""

    type: str | None = None
    name: ToolName = ""
    input_schema: Free | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        if self.type not in (None, "custom"):
            raise ValueError(
                f"[type] '{self.type}' is a tool that Anthropic defines and it does not exist here; "
                "give a tool of type 'custom' with its 'input_schema'"
            )
        if not self.name:
            raise ValueError("[name] is required in a tool")
        if self.input_schema is None:
            raise ValueError("[input_schema] is required in a tool")


class ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None

    def __post_init__(self) -> None:
        if self.type == "tool" and not self.name:
            raise ValueError("[name] is required in a tool choice of type 'tool'")


class ThinkingConfig(msgspec.Struct):
    """Whether to think. How long (`budget_tokens`) is for the model to decide."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    display: Literal["summarized", "omitted"] | None = None

    @property
    def is_enabled(self) -> bool:
        return self.type != "disabled"

    @property
    def is_shown(self) -> bool:
        return self.is_enabled and self.display != "omitted"


class OutputFormat(msgspec.Struct):
    type: Literal["json_schema"]
    schema: Free


class OutputConfig(msgspec.Struct):
    format: OutputFormat | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class Metadata(msgspec.Struct):
    user_id: str | None = None


class Conversation(msgspec.Struct, kw_only=True):
    """What a model reads; as a request it asks how many tokens that is."""

    model: NonEmpty
    messages: Annotated[list[Message], Meta(min_length=1)]
    system: str | list[Text] | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None  # what the beta called output_config.format
    thread: Free | None = None  # asks that the conversation be kept here

    def __post_init__(self) -> None:
        if self.thread:
            raise threads_unsupported()
        names = [tool.name for tool in self.tools or []]
        if len(set(names)) < len(names):
            raise ValueError("[tools] must have different names")
        choice = self.tool_choice
        if choice and choice.type == "any" and not names:
            raise ValueError("[tool_choice] 'any' is only allowed with 'tools'")
        if choice and choice.type == "tool" and choice.name not in names:
            raise ValueError(f"[tool_choice] names '{choice.name}', which is not one of the 'tools'")
        require_results(self.messages)

    @property
    def is_prefilled(self) -> bool:
        """Whether the answer goes on with the assistant's last message."""
        last = self.messages[-1]
        return last.role == "assistant" and any(isinstance(b, Text) and b.text for b in last.blocks)


class MessagesRequest(Conversation, kw_only=True):
    """POST /v1/messages."""

    max_tokens: Tokens
    stream: bool | None = None
    stop_sequences: list[NonEmpty] | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    metadata: Metadata | None = None

    @property
    def shows_thinking(self) -> bool:
        """Whether the answer tells the model's thoughts, if it has any."""
        return self.thinking is None or self.thinking.is_shown


parse_messages = parser_of(MessagesRequest, _ALLOWED)
parse_count = parser_of(Conversation, _ALLOWED)
