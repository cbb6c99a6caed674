"""Where llama.cpp's chat completions depart from the published API, and how they are set right."""

from collections.abc import Callable
from typing import Any

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.forced_call import CallReader, forced_tools
from polychat.engines.llamacpp import collect, fields, groups, logprobs
from polychat.engines.llamacpp.chat_request import asked
from polychat.engines.llamacpp.refusals import refusal
from polychat.engines.llamacpp.usage import Counts
from polychat.engines.steady import Steady
from polychat.schema.chat import ChatRequest

_NULL_ROLE = b'"role":"assistant","content":null'
_EMPTY_ROLE = b'"role":"assistant","content":""'
_NULL = b'"content":null'
_NO_DELTA = b'"delta":{}'
_EMPTY_DELTA = b'"delta":{"content":""}'

Document = dict[str, Any]  # Any: decoded JSON
Edit = Callable[[Document], None]
"""Sets one choice of a chunk right, in place."""


def shape(body: bytes, view: RequestView) -> Shaped:
    """One chat. A whole answer is asked for as a stream, too, and put together afterwards.

    A stream tells more than a whole answer, and of a client that waits for one llama.cpp does not notice that
    it has left.
    """
    request = view.request if isinstance(view.request, ChatRequest) else ChatRequest(model="", messages=[])
    event = ChatEvents(view, request)
    more = {} if view.stream else fields.STREAMED

    def response(data: bytes) -> bytes:
        return _published(collect.chat_of(collect.chunks_of(data, event)), view)

    call = Shaped(
        view.endpoint,
        fields.added(asked(body, request, view), more),
        response=response,
        event=Steady(event) if event.is_steady else event,
        refused=lambda status, data: refusal(status, data, view),
    )
    return groups.fitted(call, request.n or 1, request.seed, view)


class ChatEvents:
    """The events of one chat as OpenAI would send them; the very same object when nothing is amiss."""

    def __init__(self, view: RequestView, request: ChatRequest) -> None:
        self._view = view
        self._created = fields.Created()
        self._edits = _edits(request)
        self._num_choices = request.n or 1
        self._counts = Counts(self._num_choices)

    @property
    def is_steady(self) -> bool:
        """Whether nothing is done that depends on a chunk's text."""
        return not self._edits

    def __call__(self, data: bytes) -> bytes:
        data = self._created.constant(data)
        if fields.NO_CHOICES in data and fields.USAGE in data:
            return self._counted(fields.common(data, self._view))
        fields.raise_error_in(data)
        data = fields.common(_without_null(data), self._view)
        if self._edits:
            data = self._edited(data)
        return fields.usage_null(data) if data and self._view.include_usage else data

    def _counted(self, data: bytes) -> bytes:
        """The token counts; of several choices, once all have told theirs."""
        if self._num_choices == 1:
            return data
        chunk = msgspec.json.decode(data)
        if not self._counts.add(chunk["usage"]):
            return b""
        return msgspec.json.encode(chunk | {"usage": self._counts.total})

    def _edited(self, data: bytes) -> bytes:
        chunk = msgspec.json.decode(data)
        for choice in chunk["choices"]:
            for edit in self._edits:
                edit(choice)
        if all(_is_empty(choice) for choice in chunk["choices"]):
            return b""
        return msgspec.json.encode(chunk)


def _edits(request: ChatRequest) -> list[Edit]:
    edits: list[Edit] = []
    if request.logprobs:
        edits.append(lambda choice: _tell_logprobs(choice, request.top_logprobs or 0))
    if forced_tools(request):
        readers: dict[int, CallReader] = {}
        edits.append(lambda choice: _read_call(choice, readers.setdefault(choice["index"], CallReader())))
    elif request.parallel_tool_calls is False:
        edits.append(_keep_first_call)
    return edits


def _tell_logprobs(choice: Document, num_top: int) -> None:
    told = choice.get("logprobs")
    choice["logprobs"] = logprobs.of_chat(told["content"], num_top=num_top) if told else None


def _read_call(choice: Document, reader: CallReader) -> None:
    delta = choice["delta"]
    text = delta.get("content") or ""
    if "role" not in delta:
        delta.pop("content", None)
    if calls := reader.feed(text):
        delta["tool_calls"] = calls
    if choice["finish_reason"] == "stop":
        choice["finish_reason"] = "tool_calls"


def _keep_first_call(choice: Document) -> None:
    delta = choice["delta"]
    if "tool_calls" in delta:
        delta["tool_calls"] = [call for call in delta["tool_calls"] if call["index"] == 0]
        if not delta["tool_calls"]:
            del delta["tool_calls"]


def _is_empty(choice: Document) -> bool:
    return not (choice["delta"] or choice["finish_reason"] or choice.get("logprobs"))


def _without_null(data: bytes) -> bytes:
    """No client's loop shall print "None": the first and the last chunk have an empty text."""
    if _NO_DELTA in data:
        return data.replace(_NO_DELTA, _EMPTY_DELTA)
    if _NULL not in data:
        return data
    if _NULL_ROLE in data:
        return data.replace(_NULL_ROLE, _EMPTY_ROLE)
    chunk = msgspec.json.decode(data)
    changed = False
    for choice in chunk["choices"]:
        if choice["delta"].get("content", "") is None:
            choice["delta"]["content"] = ""
            changed = True
    return msgspec.json.encode(chunk) if changed else data


def _published(document: Document, view: RequestView) -> bytes:
    """A whole answer with every field that OpenAI promises."""
    document["model"] = view.model
    if not view.wants_private_fields:
        document.pop("timings", None)
    for choice in document["choices"]:
        choice.setdefault("logprobs", None)
        message = choice["message"]
        if message.get("tool_calls") and not message.get("content"):
            message["content"] = None
        choice["message"] = {"refusal": None, "annotations": [], **message}
    return msgspec.json.encode(document)
