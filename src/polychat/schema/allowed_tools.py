"""A tool choice of type `allowed_tools`, said in words that every engine knows."""

from typing import Any

import msgspec

from polychat.schema.chat import ChatRequest
from polychat.schema.tools import NamedTool


def narrowed(body: bytes, request: ChatRequest) -> bytes:
    """The body with the allowed tools alone and their mode as choice; the same bytes without such a choice.

    To the model it is the same: it may call these and no others.
    """
    choice = request.tool_choice
    if not isinstance(choice, NamedTool) or choice.allowed_tools is None:
        return body
    names = {tool.function.name for tool in choice.allowed_tools.tools}
    document: dict[str, Any] = msgspec.json.decode(body)  # Any: decoded JSON, whose form was checked
    document["tools"] = [tool for tool in document["tools"] if tool["function"]["name"] in names]
    document["tool_choice"] = choice.allowed_tools.mode
    return msgspec.json.encode(document)
