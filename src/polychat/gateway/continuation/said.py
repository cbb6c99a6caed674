"""What a stream's events have said so far. Pure; read only once a replica has died."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from polychat import sse

Chunk = dict[str, Any]  # Any: decoded JSON

HEAD = ("id", "created", "model", "system_fingerprint")  # what all chunks of one answer have in common
_THOUGHTS = ("reasoning_content", "reasoning")


@dataclass(slots=True)
class Said:
    """The answer as far as the client has it."""

    head: Chunk = field(default_factory=dict)
    text: str = ""
    num_tokens: int = 0  # chunks with text: engines send one for each token, or nearly
    has_thoughts: bool = False
    has_calls: bool = False
    has_logprobs: bool = False
    num_choices: int = 0  # that something has been said in
    finish_reason: str = ""
    form: str = ""  # "object" of its chunks

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said that another answer could not begin with."""
        return not (
            self.text or self.has_thoughts or self.has_calls or self.finish_reason or self.num_choices
        )


def said(events: bytes) -> Said:
    """What whole events of a chat or completion stream say. Raises ValueError if they are none of these."""
    found = Said()
    for event in sse.EventSplitter().feed(events):
        data = sse.data_of(event)
        if data is not None and data != b"[DONE]":
            _take(found, msgspec.json.decode(data))
    return found


def _take(found: Said, chunk: object) -> None:
    if not isinstance(chunk, dict) or "choices" not in chunk:
        raise ValueError("an event that is no chunk of an answer")
    for name in HEAD:
        if name in chunk:
            found.head.setdefault(name, chunk[name])
    found.form = chunk.get("object") or found.form
    for choice in chunk["choices"] or ():
        _take_choice(found, choice)


def _take_choice(found: Said, choice: Chunk) -> None:
    part: Chunk = choice.get("delta") or {"content": choice.get("text")}
    text = part.get("content") or ""
    thoughts, calls = any(part.get(name) for name in _THOUGHTS), bool(part.get("tool_calls"))
    found.text += text
    found.num_tokens += bool(text or thoughts)
    found.has_thoughts |= thoughts
    found.has_calls |= calls
    found.has_logprobs |= bool(choice.get("logprobs"))
    if text or thoughts or calls:
        found.num_choices = max(found.num_choices, int(choice.get("index", 0)) + 1)
    found.finish_reason = choice.get("finish_reason") or found.finish_reason
