"""Where vLLM's chat completions depart from the published API, and how they are set right."""

from typing import Any

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.forced_call import CallReader, allowed, forced_tools, format_of
from polychat.engines.llamacpp.fields import added
from polychat.engines.llamacpp.schemas import compilable
from polychat.engines.steady import Steady
from polychat.engines.vllm import fields
from polychat.schema.chat import ChatRequest

Document = dict[str, Any]  # Any: decoded JSON

_MOST_SPACES = 2  # in a row, between the parts of a demanded call: some models write nothing else


def shape(body: bytes, view: RequestView) -> Shaped:
    """One chat."""
    request = view.request if isinstance(view.request, ChatRequest) else ChatRequest(model="", messages=[])
    asked = added(body, fields.sampling(request, num_choices=request.n or 1) | _tools(request))
    if forced_tools(request):
        return Shaped(view.endpoint, asked, lambda data: _called(data, view), CalledEvents(view))
    return Shaped(
        view.endpoint,
        asked,
        lambda data: fields.whole(data, view),
        Steady(lambda data: fields.chunk(data, view)),
    )


def _tools(request: ChatRequest) -> Document:
    """What concerns tools.

    vLLM's own way to demand a call leaves a model free to write white space without end, and needs a parser.
    """
    if forced := forced_tools(request):
        names = {function.name for function in forced}
        tools = [tool for tool in request.tools or () if tool.function and tool.function.name in names]
        return {
            "tools": tools,
            "tool_choice": "none",
            "response_format": _format(format_of(forced, compilable)),
        }
    left = allowed(request) if request.tools else None
    if left is None:
        return {}
    return {"tools": left, "tool_choice": "auto"} if left else {"tools": None, "tool_choice": None}


def _format(json_format: Document) -> Document:
    schema = json_format["json_schema"]["schema"]
    tag = {"type": "json_schema", "json_schema": schema, "max_whitespace_cnt": _MOST_SPACES}
    return {"type": "structural_tag", "format": tag}


def _called(data: bytes, view: RequestView) -> bytes:
    """A whole answer whose text is a call."""
    document = msgspec.json.decode(fields.whole(data, view))
    for choice in document["choices"]:
        _read(choice, choice["message"], CallReader())
        choice["message"]["content"] = None
        for call in choice["message"].get("tool_calls", ()):
            del call["index"]
    return msgspec.json.encode(document)


class CalledEvents:
    """The events of a stream whose text is a call."""

    def __init__(self, view: RequestView) -> None:
        self._view = view
        self._readers: dict[int, CallReader] = {}

    def __call__(self, data: bytes) -> bytes:
        chunk = msgspec.json.decode(fields.chunk(data, self._view))
        choices = chunk["choices"]
        for choice in choices:
            _read(choice, choice["delta"], self._readers.setdefault(choice["index"], CallReader()))
        if choices and not any(choice["delta"] or choice["finish_reason"] for choice in choices):
            return b""
        return msgspec.json.encode(chunk)


def _read(choice: Document, said: Document, reader: CallReader) -> None:
    text = said.get("content") or ""
    if "role" not in said:
        said.pop("content", None)
    if calls := reader.feed(text):
        said["tool_calls"] = calls
    if choice["finish_reason"] == "stop":
        choice["finish_reason"] = "tool_calls"
