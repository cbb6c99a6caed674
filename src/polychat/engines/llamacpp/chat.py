"""Where llama.cpp's chat completions depart from the published API, and how they are set right."""

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import continued, fields

_NULL_ROLE = b'"role":"assistant","content":null'
_EMPTY_ROLE = b'"role":"assistant","content":""'
_NULL = b'"content":null'
_NO_DELTA = b'"delta":{}'
_EMPTY_DELTA = b'"delta":{"content":""}'


def shape(body: bytes, view: RequestView) -> Shaped:
    """One chat."""
    return Shaped(
        view.endpoint,
        body,
        response=lambda data: fields.common(continued.rest(data, view), view),
        event=lambda data: event(data, view),
    )


def event(data: bytes, view: RequestView) -> bytes:
    """One streamed chunk as OpenAI would send it; the very same object when nothing is amiss."""
    return fields.usage_apart(fields.common(_without_null(data), view), view)


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
