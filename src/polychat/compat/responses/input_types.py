"""What the input of a response may hold: messages, tool calls and their outputs, reasoning, references."""

from typing import Literal

import msgspec

from polychat.schema.generation import NonEmpty

Status = Literal["in_progress", "completed", "incomplete"]


class Part(msgspec.Struct):
    """One part of a message, of a tool's output or of reasoning."""

    type: NonEmpty
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None
    file_id: str | None = None

    def __post_init__(self) -> None:
        match self.type:
            case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
                self._require("text")
            case "refusal":
                self._require("refusal")
            case "input_image":
                self._refuse_id()
                self._require("image_url")
            case "input_file":
                raise ValueError("[type] 'input_file' is not supported here; send its text, or an image")
            case other:
                raise ValueError(f"[type] {other!r} is not supported here")

    def _require(self, name: str) -> None:
        if getattr(self, name) is None:
            raise ValueError(f"[{name}] is required in a part of type '{self.type}'")

    def _refuse_id(self) -> None:
        if self.file_id is not None:
            raise ValueError("[file_id] is not supported here: there is no file store; send the content")


Content = str | list[Part]


class Item(msgspec.Struct):
    """One item. Which fields it needs depends on its type."""

    type: NonEmpty | None = None  # a message may leave it out
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Content | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: Content | None = None
    summary: list[Part] | None = None
    status: Status | None = None

    def __post_init__(self) -> None:
        kind = self.type or ("message" if self.role else "item_reference")
        needed = _NEEDED.get(kind)
        if needed is None:
            raise ValueError(f"[type] {kind!r} is not supported here")
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"[{name}] is required in an item of type '{kind}'")


_NEEDED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "reasoning": (),
    "item_reference": ("id",),
}
