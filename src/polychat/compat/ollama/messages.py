"""A conversation's messages, from Ollama's form to the published one."""

from collections.abc import Sequence

import msgspec

from polychat.compat.ollama.requests import Message, ToolCall
from polychat.errors import RequestError

_KINDS = {  # how the base64 text of each kind of image begins
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}


def published(messages: Sequence[Message]) -> list[dict[str, object]]:
    """The messages of a chat request.

    Raises:
        RequestError: an image is none.
    """
    ids = _CallIds()
    return [_message(message, ids, f"messages[{index}]") for index, message in enumerate(messages)]


def content(text: str, images: Sequence[str], param: str) -> str | list[dict[str, object]]:
    """What a message says: the plain text if it shows nothing. `param` is where it stands in the request.

    Raises:
        RequestError: an image is none.
    """
    if not images:
        return text
    urls = [_data_url(image, f"{param}[{index}]") for index, image in enumerate(images)]
    said: list[dict[str, object]] = [{"type": "text", "text": text}] if text else []
    return said + [{"type": "image_url", "image_url": {"url": url}} for url in urls]


class _CallIds:
    """Says to which call a tool's result belongs: by id, else by the tool's name, else in order."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # id and tool of calls without a result yet
        self._num_calls = 0

    def of_call(self, call: ToolCall) -> str:
        self._num_calls += 1
        id_ = call.id or f"call_{self._num_calls}"
        self._open.append((id_, call.function.name))
        return id_

    def of_result(self, message: Message) -> str:
        id_ = message.tool_call_id or self._guess(message.tool_name)
        self._open = [call for call in self._open if call[0] != id_]
        return id_

    def _guess(self, tool: str | None) -> str:
        same_tool = [id_ for id_, name in self._open if name == tool]
        return next(iter([*same_tool, *(id_ for id_, _ in self._open)]), "call_0")


def _message(message: Message, ids: _CallIds, param: str) -> dict[str, object]:
    fields: dict[str, object] = {
        "role": message.role,
        "content": content(message.content or "", message.images or [], f"{param}.images"),
    }
    if message.thinking:
        fields["reasoning_content"] = message.thinking
    if message.tool_calls:
        fields["tool_calls"] = [_call(call, ids) for call in message.tool_calls]
    if message.role == "tool":
        fields["tool_call_id"] = ids.of_result(message)
        if message.tool_name:
            fields["name"] = message.tool_name
    return fields


def _call(call: ToolCall, ids: _CallIds) -> dict[str, object]:
    arguments = msgspec.json.encode(call.function.arguments or {}).decode()
    function = {"name": call.function.name, "arguments": arguments}
    return {"id": ids.of_call(call), "type": "function", "function": function}


def _data_url(image: str, param: str) -> str:
    if image.startswith("data:image/"):
        return image
    for beginning, kind in _KINDS.items():
        if image.startswith(beginning):
            return f"data:{kind};base64,{image}"
    raise RequestError(f"'{param}' must be a PNG, JPEG, GIF or WebP image in base64.", param=param)
