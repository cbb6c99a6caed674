"""From items to chat messages.

What a model did in one turn comes as several items (reasoning, text, tool calls) and is one chat message.
"""

from collections.abc import Iterable

from polychat.compat.responses.items import Json
from polychat.compat.responses.tools import arguments_of_custom


def messages_of(items: Iterable[Json]) -> list[Json]:
    """The chat messages that say what `items` say, in order."""
    turns = _Turns()
    for item in items:
        turns.add(item)
    turns.close()
    return turns.messages


class _Turns:
    def __init__(self) -> None:
        self.messages: list[Json] = []
        self._turn: Json = {}  # the assistant's message that still grows

    def add(self, item: Json) -> None:
        match item["type"]:
            case "reasoning":
                self._reason(item)
            case "message" if item["role"] == "assistant":
                self._say(item)
            case "function_call":
                self._call(item, item["arguments"])
            case "custom_tool_call":
                self._call(item, arguments_of_custom(item["input"]))
            case "function_call_output" | "custom_tool_call_output":
                self._put(
                    {"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])}
                )
            case _:
                self._put({"role": item["role"], "content": _content(item["content"])})

    def close(self) -> None:
        """The growing message is complete. Reasoning that led to nothing is left out."""
        if "content" in self._turn or "tool_calls" in self._turn:
            self.messages.append({"role": "assistant", "content": None, **self._turn})
        self._turn = {}

    def _put(self, message: Json) -> None:
        self.close()
        self.messages.append(message)

    def _reason(self, item: Json) -> None:
        if "content" in self._turn or "tool_calls" in self._turn:
            self.close()
        parts = item.get("content") or item.get("summary") or []
        text = parts if isinstance(parts, str) else "".join(part.get("text") or "" for part in parts)
        if text:
            self._turn["reasoning_content"] = self._turn.get("reasoning_content", "") + text

    def _say(self, item: Json) -> None:
        if "content" in self._turn:
            self.close()
        self._turn["content"] = _said(item["content"])

    def _call(self, item: Json, arguments: str) -> None:
        function = {"name": item["name"], "arguments": arguments}
        call = {"id": item["call_id"], "type": "function", "function": function}
        self._turn.setdefault("tool_calls", []).append(call)


def _said(content: str | list[Json]) -> str:
    """What the model itself said, refusals included: always text."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)


def _content(content: str | list[Json]) -> str | list[Json]:
    """Text alone stays a string: every chat template takes one."""
    if isinstance(content, str):
        return content
    if len(content) == 1 and content[0].get("text") is not None:
        return str(content[0]["text"])
    return [_part(part) for part in content] or ""


def _part(part: Json) -> Json:
    match part["type"]:
        case "input_image":
            image = {"url": part["image_url"], "detail": part.get("detail")}
            return {"type": "image_url", "image_url": {k: v for k, v in image.items() if v is not None}}
        case "refusal":
            return {"type": "text", "text": part["refusal"]}
        case _:
            return {"type": "text", "text": part["text"]}
