"""Answers that go on with the assistant's last message: llama.cpp repeats it, though not in streams."""

import msgspec

from polychat.engines.base import RequestView
from polychat.schema.chat import ChatRequest


def rest(data: bytes, view: RequestView) -> bytes:
    """A whole answer without the text that it was to go on with."""
    begun = _begun(view)
    if not begun:
        return data
    answer = msgspec.json.decode(data)
    for choice in answer["choices"]:
        message = choice["message"]
        if message.get("content"):
            message["content"] = message["content"].removeprefix(begun)
    return msgspec.json.encode(answer)


def _begun(view: RequestView) -> str:
    """The text of the message to go on with, "" if there is none."""
    request = view.request
    if not isinstance(request, ChatRequest) or not request.continue_final_message:
        return ""
    content = request.messages[-1].content or ""
    return content if isinstance(content, str) else "".join(part.text or "" for part in content)
