"""The chat request behind a response."""

from collections.abc import Iterable, Sequence

import msgspec

from polychat.compat.responses.items import Json
from polychat.compat.responses.messages import messages_of
from polychat.compat.responses.requests import CountRequest, ResponseRequest, TextFormat
from polychat.compat.responses.tools import tools_of


def conversation(request: CountRequest, items: Iterable[Json]) -> list[Json]:
    """The chat messages: this request's instructions, then all that was said."""
    messages = messages_of(items)
    if request.instructions:
        messages.insert(0, {"role": "system", "content": request.instructions})
    return messages


def chat_request(request: ResponseRequest, messages: Sequence[Json]) -> bytes:
    """The body of the chat request, with what `request` asks for beside the messages."""
    asked = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_completion_tokens": request.max_output_tokens,
        "user": request.user or request.safety_identifier,
        "response_format": _response_format(request.text.format if request.text else None),
        "verbosity": request.text.verbosity if request.text else None,
        "reasoning_effort": request.reasoning.effort if request.reasoning else None,
        "stream": True if request.stream else None,
        "stream_options": {"include_usage": True} if request.stream else None,
        "logprobs": True if request.wants_logprobs else None,
        "top_logprobs": request.top_logprobs if request.wants_logprobs else None,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return msgspec.json.encode({"model": request.model, "messages": messages, **tools_of(request), **given})


def count_request(request: CountRequest, messages: Sequence[Json]) -> bytes:
    """The body of the request to /tokenize that counts what the model would read."""
    tools = tools_of(request).get("tools")
    document = {"model": request.model, "messages": messages, "add_generation_prompt": True}
    return msgspec.json.encode(document | ({"tools": tools} if tools else {}))


def shortened(messages: Sequence[Json]) -> list[Json]:
    """The messages without the oldest quarter of what may go, for truncation "auto"; [] when nothing may.

    Instructions and the last message stay, and no tool's output is left without its call.
    """
    first = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    droppable = len(messages) - 1 - first
    if droppable < 1:
        return []
    cut = first + max(1, droppable // 4)
    while cut < len(messages) and messages[cut]["role"] == "tool":
        cut += 1
    return [*messages[:first], *messages[cut:]] if cut < len(messages) else []


def _response_format(asked: TextFormat | None) -> Json | None:
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return {"type": "json_object"}
    schema: Json = {"name": asked.name, "schema": asked.schema}
    if asked.description is not None:
        schema["description"] = asked.description
    if asked.strict is not None:
        schema["strict"] = asked.strict
    return {"type": "json_schema", "json_schema": schema}
