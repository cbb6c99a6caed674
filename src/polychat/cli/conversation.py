"""A conversation in the terminal as a value: every change makes a new one."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from polychat.client import Message
from polychat.errors import SetupError


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said so far, turn about: user, assistant, user …"""

    system: str = ""
    turns: tuple[Message, ...] = ()

    def messages(self) -> list[Message]:
        """What the API is sent."""
        return [Message("system", self.system), *self.turns] if self.system else list(self.turns)

    def asked(self, text: str) -> "Conversation":
        return replace(self, turns=(*self.turns, Message("user", text)))

    def answered(self, text: str) -> "Conversation":
        """With the model's answer; without the question if there was none, so that turns stay in order."""
        if not text:
            return replace(self, turns=self.turns[:-1])
        return replace(self, turns=(*self.turns, Message("assistant", text)))

    def cleared(self) -> "Conversation":
        return replace(self, turns=())

    def undone(self) -> tuple["Conversation", str]:
        """Without the last question and its answer; and that question, empty when there was none."""
        places = [place for place, turn in enumerate(self.turns) if turn.role == "user"]
        if not places:
            return self, ""
        return replace(self, turns=self.turns[: places[-1]]), self.turns[places[-1]].content


def save(conversation: Conversation, path: Path) -> None:
    """Write a conversation as the JSON that the API takes.

    Raises:
        SetupError: the file cannot be written.
    """
    document = {"messages": [asdict(message) for message in conversation.messages()]}
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as exc:
        raise SetupError(f"cannot write {path}: {exc.strerror}") from exc


def load(path: Path) -> Conversation:
    """Read what `save` wrote.

    Raises:
        SetupError: the file cannot be read or holds no conversation.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["messages"]
        messages = [Message(entry["role"], entry["content"]) for entry in entries]
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise SetupError(f'{path} holds no conversation: {{"messages": […]}} as /save writes it') from exc
    if not all(isinstance(message.content, str) for message in messages):
        raise SetupError(f"{path} holds messages that are not plain text")
    system = "\n".join(message.content for message in messages if message.role == "system")
    return Conversation(system, tuple(m for m in messages if m.role in ("user", "assistant")))
