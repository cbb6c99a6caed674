"""The messages of a chat: what each may hold, and which must follow which."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.errors import RequestError
from polychat.schema.generation import Free, NonEmpty
from polychat.types import Feature

_PARTS_OF_ALL = frozenset({"text"})
_PARTS = {
    "user": _PARTS_OF_ALL
    | {"image_url", "input_audio", "video_url", "audio_url"},  # the last two are engines' own
    "assistant": _PARTS_OF_ALL | {"refusal"},
    "tool": _PARTS_OF_ALL | {"image_url"},  # tools that take screenshots
}
_NAMED_AS_THEIR_FIELD = ("text", "image_url", "input_audio", "video_url", "audio_url", "refusal")
_ROLES_OF_TEXT = ("user", "assistant", "system", "developer")  # a text is all that they need
FEATURES_OF_PARTS = {"image_url": Feature.VISION, "input_audio": Feature.AUDIO_INPUT}


class ImageUrl(msgspec.Struct):
    url: NonEmpty
    detail: Literal["auto", "low", "high", "original"] | None = None


class MediaUrl(msgspec.Struct):
    """Video and audio as vLLM takes them."""

    url: NonEmpty

    def __post_init__(self) -> None:
        if not self.url.startswith("data:"):
            raise ValueError("[url] must be a data URL: only images are fetched")


class InputAudio(msgspec.Struct):
    data: NonEmpty
    format: Literal["wav", "mp3"]


class ContentPart(msgspec.Struct):
    """One part of a message."""

    type: NonEmpty
    text: str | None = None
    image_url: ImageUrl | None = None
    input_audio: InputAudio | None = None
    video_url: MediaUrl | None = None
    audio_url: MediaUrl | None = None
    refusal: str | None = None

    def __post_init__(self) -> None:
        if self.type in _NAMED_AS_THEIR_FIELD and getattr(self, self.type) is None:
            raise ValueError(f"[{self.type}] is required in a part of type '{self.type}'")


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
        if type(self.content) is str and self.role in _ROLES_OF_TEXT:
            return  # as most are
        if type(self.content) is list:
            self._require_parts_of_role(self.content)
        self._require_what_its_role_needs()

    def _require_what_its_role_needs(self) -> None:
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

    def _require_parts_of_role(self, parts: Sequence[ContentPart]) -> None:
        allowed = _PARTS.get(self.role, _PARTS_OF_ALL)
        for index, part in enumerate(parts):
            if part.type == "file":
                raise ValueError(
                    f"[content[{index}].type] 'file' is not supported here; send the text or an image"
                )
            if part.type not in allowed:
                names = ", ".join(f"'{name}'" for name in sorted(allowed))
                raise ValueError(
                    f"[content[{index}].type] {part.type[:40]!r} is no part of a message of role "
                    f"'{self.role}', which may hold {names}"
                )


def require_answered_calls(messages: Sequence[Message]) -> None:
    """Each tool call is answered before the next message that is no tool's, and nothing else is.

    Raises:
        RequestError: not so; in OpenAI's words, which clients look for.
    """
    waiting: set[str | None] = set()  # ids of calls without an answer yet
    answered: set[str | None] = set()
    caller = -1  # index of the message whose calls these are
    for index, message in enumerate(messages):
        if message.role == "tool":
            _require_call(message, index, waiting | answered)
            waiting.discard(message.tool_call_id)
            answered.add(message.tool_call_id)
        elif waiting:
            break
        else:
            if answered:
                answered = set()
            if message.tool_calls:
                caller, waiting = index, {call.id for call in message.tool_calls}
    if waiting:
        raise RequestError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(sorted(str(id_) for id_ in waiting))[:200],
            param=f"messages[{caller}].tool_calls",
        )


def _require_call(message: Message, index: int, calls: set[str | None]) -> None:
    if not calls:
        raise RequestError(
            "Invalid parameter: messages with role 'tool' must be a response to a preceding message with "
            "'tool_calls'.",
            param=f"messages[{index}].role",
        )
    if message.tool_call_id not in calls:
        shown = str(message.tool_call_id)[:80]
        raise RequestError(
            f"Invalid parameter: 'tool_call_id' of '{shown}' not found in 'tool_calls' of previous message.",
            param=f"messages[{index}].tool_call_id",
        )
