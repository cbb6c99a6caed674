"""What llama.cpp must be told so that a chat is what the published API calls one."""

from collections.abc import Sequence
from typing import Any

import msgspec

from polychat.engines.base import RequestView
from polychat.engines.forced_call import allowed, forced_tools, format_of
from polychat.engines.llamacpp import fields
from polychat.engines.llamacpp.schemas import compilable
from polychat.errors import RequestError
from polychat.schema.chat import ChatRequest
from polychat.schema.messages import Message
from polychat.schema.tools import Tool

Document = dict[str, Any]  # Any: decoded JSON


def asked(body: bytes, request: ChatRequest, view: RequestView) -> bytes:
    """The body as llama.cpp must get it; the very same object when it takes it as it is.

    Raises:
        RequestError: llama.cpp must not, or could not, do what it asks for.
    """
    _require_data_urls(request)
    if any(_is_told_otherwise(message) for message in request.messages):
        body = _with_messages(body)
    more = fields.engine_fields(request, view) | _tools(request)
    if request.logprobs:
        more |= _logprobs(request)
    if request.continue_final_message:
        more["add_generation_prompt"] = False
    return fields.added(body, more)


def _logprobs(request: ChatRequest) -> Document:
    """Beside tools llama.cpp streams them only to those who ask in its own words."""
    num_top = request.top_logprobs or 1  # with none it tells no logprobs at all
    if request.tools:
        return {"logprobs": False, "top_logprobs": None, "n_probs": num_top}
    return {} if request.top_logprobs else {"top_logprobs": num_top}


def _tools(request: ChatRequest) -> Document:
    """What concerns tools and the form of the answer."""
    if forced := forced_tools(request):
        tools = _told(request.tools or ())
        return {"tools": tools, "tool_choice": "none", "response_format": format_of(forced, compilable)}
    more = _response_format(request)
    if not request.tools:
        return more
    left = allowed(request)
    if left is not None:
        more |= {"tools": _told(left), "tool_choice": "auto"}
    elif any(_has_nulls(tool) for tool in request.tools):
        more["tools"] = _told(request.tools)
    if request.parallel_tool_calls is None:
        more["parallel_tool_calls"] = True
    return more


def _has_nulls(tool: Tool) -> bool:
    function = tool.function
    return function is not None and (function.description is None or bytes(function.parameters) == b"null")


def _told(tools: Sequence[Tool]) -> list[Document]:
    """The tools without a null, which llama.cpp does not take."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.function.name,
                "description": tool.function.description or "",
                "parameters": msgspec.json.decode(bytes(tool.function.parameters)) or {"type": "object"},
            },
        }
        for tool in tools
        if tool.function
    ]


def _response_format(request: ChatRequest) -> Document:
    asked_for = request.response_format
    if asked_for is None or asked_for.json_schema is None:
        return {}
    schema = msgspec.json.decode(bytes(asked_for.json_schema.schema))
    compiled = compilable(schema, "response_format")
    if compiled == schema:
        return {}
    json_schema = {"name": asked_for.json_schema.name, "schema": compiled}
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


def _require_data_urls(request: ChatRequest) -> None:
    """llama.cpp itself shall fetch nothing and read no file."""
    for index, message in enumerate(request.messages):
        for at, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if part.image_url is not None and part.image_url.url[:5].lower() != "data:":
                raise RequestError(
                    "An image must come as a data URL, such as data:image/png;base64,…",
                    param=f"messages[{index}].content[{at}].image_url.url",
                )


def _is_told_otherwise(message: Message) -> bool:
    """Whether OpenAI takes the message and llama.cpp does not."""
    if message.role != "assistant":
        return False
    refuses = isinstance(message.content, list) and any(part.type == "refusal" for part in message.content)
    calls_bare = any(
        call.function and not call.function.arguments.strip() for call in message.tool_calls or ()
    )
    return refuses or calls_bare or (message.content is None and not message.tool_calls)


def _with_messages(body: bytes) -> bytes:
    document = msgspec.json.decode(body)
    for message in document["messages"]:
        if message["role"] == "assistant":
            _set_right(message)
    return msgspec.json.encode(document)


def _set_right(message: Document) -> None:
    """A refusal is what the assistant said; arguments are an object, if an empty one."""
    if isinstance(message.get("content"), list):
        for part in message["content"]:
            if part["type"] == "refusal":
                part |= {"type": "text", "text": part.pop("refusal")}
    for call in message.get("tool_calls") or ():
        if "function" in call and not (call["function"].get("arguments") or "").strip():
            call["function"]["arguments"] = "{}"
    if message.get("content") is None and not message.get("tool_calls"):
        message["content"] = message.get("refusal") or ""
