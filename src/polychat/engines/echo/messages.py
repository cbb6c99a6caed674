"""What the messages of a chat say: their texts, who spoke last, what the tools answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from polychat.errors import RequestError

Json = Mapping[str, object]
_THINK = re.compile(r"think: ([^\n]*)(?:\n|$)")


@dataclass(frozen=True, slots=True)
class Turn:
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    turns: tuple[Turn, ...]

    @property
    def asked(self) -> str:
        """The last user message; without one, the last message."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), self.turns[-1].text)

    @property
    def results(self) -> tuple[str, ...]:
        """What the tools answered, if nobody has spoken since."""
        told: list[str] = []
        for turn in reversed(self.turns):
            if turn.role != "tool":
                break
            told.insert(0, turn.text)
        return tuple(told)


def conversation(request: Json) -> Conversation:
    """The conversation of a chat request.

    Raises:
        RequestError: it has none.
    """
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be a list with at least one message.", param="messages")
    return Conversation(
        tuple(Turn(str(each.get("role")), _text_of(each.get("content"))) for each in messages)
    )


def thought(text: str) -> tuple[str, str]:
    """Split "think: X" of the first line from the rest: the reasoning, and what is asked."""
    found = _THINK.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(_part(part) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _part(part: Json) -> str:
    match part.get("type"):
        case "image_url":
            return "[image]"
        case "input_audio":
            raise RequestError("The echo engine does not hear.", param="messages")
        case _:
            return str(part.get("text") or "")
