"""What Ollama's clients send, typed."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.compat.ollama.options import Options
from polychat.schema.generation import Free, NonEmpty
from polychat.schema.validation import parser_of

_NO_TIME = re.compile(r"[+-]?0+(\.0*)?(ns|us|µs|ms|s|m|h)?")


class Named(msgspec.Struct, kw_only=True):
    """A request about one model. `name` is what old clients write for `model`."""

    model: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        self.model = self.model or self.name
        if not self.model:
            raise ValueError("[model] is required")


class Pull(Named, kw_only=True):
    stream: bool | None = None


class Generation(Named, kw_only=True):
    """What chat and generate share."""

    stream: bool | None = None
    format: str | Free | None = None
    options: Options | None = None
    think: bool | Literal["low", "medium", "high"] | None = None
    keep_alive: float | str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.format, str) and self.format not in ("", "json"):
            raise ValueError("[format] must be 'json' or a JSON schema")

    @property
    def streams(self) -> bool:
        """Unlike elsewhere, the answer streams unless told not to."""
        return self.stream is not False

    @property
    def unloads(self) -> bool:
        """Whether the model need not be kept in memory any longer."""
        if isinstance(self.keep_alive, str):
            return _NO_TIME.fullmatch(self.keep_alive) is not None
        return self.keep_alive == 0


class CalledFunction(msgspec.Struct):
    name: NonEmpty
    arguments: Free | None = None


class ToolCall(msgspec.Struct):
    """A tool call that the model made earlier. Most clients drop the id."""

    function: CalledFunction
    id: str | None = None


class Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class Tool(msgspec.Struct):
    function: Free
    type: NonEmpty = "function"


class ChatRequest(Generation, kw_only=True):
    """POST /api/chat. Without messages it loads the model."""

    messages: list[Message] | None = None
    tools: list[Tool] | None = None


class GenerateRequest(Generation, kw_only=True):
    """POST /api/generate. Without a prompt it loads the model."""

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    template: str | None = None
    context: list[int] | None = None
    raw: bool | None = None
    images: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.template:
            raise ValueError("[template] cannot be replaced; with 'raw' the prompt is taken as it is")
        if self.context:
            raise ValueError("[context] is not supported; /api/chat takes a conversation's messages")
        if self.raw and self.system:
            raise ValueError("[system] is not allowed with 'raw': nothing is added to the prompt")
        if self.is_completion and self.images:
            raise ValueError("[images] are not allowed with 'raw' or 'suffix'")
        if self.is_completion and (self.top_logprobs or 0) > 5:
            raise ValueError("[top_logprobs] must be at most 5 with 'raw' or 'suffix'")

    @property
    def is_completion(self) -> bool:
        """Whether the prompt goes to the model as it is, rather than as a message of a chat."""
        return bool(self.raw or self.suffix)

    @property
    def says_nothing(self) -> bool:
        return not (self.prompt or self.suffix or self.images)


class EmbedRequest(Named, kw_only=True):
    """POST /api/embed."""

    input: str | list[str]
    truncate: bool | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None


class LegacyEmbedRequest(Named, kw_only=True):
    """POST /api/embeddings, which /api/embed has replaced."""

    prompt: str = ""


parse_named = parser_of(Named)
parse_pull = parser_of(Pull)
parse_chat = parser_of(ChatRequest)
parse_generate = parser_of(GenerateRequest)
parse_embed = parser_of(EmbedRequest)
parse_legacy_embed = parser_of(LegacyEmbedRequest)
