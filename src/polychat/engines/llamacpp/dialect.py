"""Where llama.cpp's server departs from the published API, and how its bytes are set right.

Seen with xllamacpp 2026.10. Texts in these JSON documents are escaped, so a key with its bare quotes, such as
`"timings":{`, is never part of what the model said: most changes are made without decoding.
"""

import functools
import re
from typing import Any

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.types import Endpoint

_NULL_ROLE = b'"role":"assistant","content":null'
_EMPTY_ROLE = b'"role":"assistant","content":""'
_NULL = b'"content":null'
_NO_DELTA = b'"delta":{}'
_EMPTY_DELTA = b'"delta":{"content":""}'
_TIMINGS = b',"timings":{'
_MODEL = b'"model":"'
_USAGE = b'"usage":{'
_NO_CHOICES = b'"choices":[]'
_LOGPROBS = b'"logprobs":{'
_CHAT_ID = b'"id":"chatcmpl-'
_TEXT_ID = b'"id":"cmpl-'
_LENGTH_ASKED = re.compile(rb'"(?:max_tokens|n_predict)"\s*:\s*-?\d')
_DEFAULT_LENGTH = b',"max_tokens":16}'  # OpenAI's; llama.cpp goes on until its context is full


def request(data: bytes, view: RequestView) -> bytes:
    """One request as llama.cpp must get it: a completion of no given length is short."""
    if view.endpoint is not Endpoint.COMPLETIONS or _LENGTH_ASKED.search(data):
        return data
    return data.rstrip()[:-1] + _DEFAULT_LENGTH  # of two equal keys the last one counts


def event(data: bytes, view: RequestView) -> bytes:
    """One streamed chunk as OpenAI would send it; the very same object when nothing is amiss."""
    if data == b"null":  # what it sends between two prompts of one request
        return b""
    data = _without_null(data) if view.endpoint is Endpoint.CHAT else _plain_logprobs(_renamed_id(data))
    data = _common(data, view)
    return _usage_apart(data, view) if _USAGE in data and _NO_CHOICES not in data else data


def response(data: bytes, view: RequestView) -> bytes:
    """A whole answer as OpenAI would send it."""
    if view.endpoint is Endpoint.COMPLETIONS:
        data = _plain_logprobs(_renamed_id(data))
    return _common(data, view)


def shape(body: bytes, view: RequestView) -> Shaped:
    """How llama.cpp is asked, and how its answer becomes the published one."""
    return Shaped(
        view.endpoint,
        request(body, view),
        response=lambda data: response(data, view),
        event=lambda data: event(data, view),
    )


def _common(data: bytes, view: RequestView) -> bytes:
    data = _named(data, view.model)
    if _TIMINGS in data and not view.wants_private_fields:
        start = data.rfind(_TIMINGS)
        return data[:start] + data[data.index(b"}", start) + 1 :]
    return data


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


def _renamed_id(data: bytes) -> bytes:
    """Ids of completions begin with cmpl-; llama.cpp calls all of them chats."""
    return data.replace(_CHAT_ID, _TEXT_ID, 1)


def _named(data: bytes, model: str) -> bytes:
    """The model under the name that the client used: llama.cpp says the one it was started with."""
    at = data.find(_MODEL)
    if at < 0:
        return data
    start = at + len(_MODEL) - 1
    name = _quoted(model)
    if data.startswith(name, start):
        return data
    return data[:start] + name + data[_string_end(data, start) :]


def _string_end(data: bytes, start: int) -> int:
    """The index after the JSON string whose opening quote is at `start`."""
    end = data.index(b'"', start + 1)
    while (end - len(data[:end].rstrip(b"\\"))) % 2:  # an odd number of backslashes: that quote is escaped
        end = data.index(b'"', end + 1)
    return end + 1


@functools.lru_cache(maxsize=256)
def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)


def _usage_apart(data: bytes, view: RequestView) -> bytes:
    """Usage comes in a chunk of its own, without choices, and only to those who asked for it."""
    chunk = msgspec.json.decode(data)
    usage = chunk.pop("usage")
    last = msgspec.json.encode(chunk)
    if not view.include_usage:
        return last
    return last + b"\n" + msgspec.json.encode(chunk | {"choices": [], "usage": usage})


def _plain_logprobs(data: bytes) -> bytes:
    """Completions have their own form of logprobs; llama.cpp sends that of chats."""
    if _LOGPROBS not in data:
        return data
    document = msgspec.json.decode(data)
    for choice in document["choices"]:
        if isinstance(choice.get("logprobs"), dict) and "content" in choice["logprobs"]:
            choice["logprobs"] = _legacy(choice["logprobs"]["content"] or [])
    return msgspec.json.encode(document)


def _legacy(tokens: list[dict[str, Any]]) -> dict[str, object]:  # Any: decoded JSON
    """Offsets count from the beginning of this choice's text, in a stream from that of its chunk."""
    offsets, at = [], 0
    for token in tokens:
        offsets.append(at)
        at += len(token["token"])
    return {
        "tokens": [token["token"] for token in tokens],
        "token_logprobs": [token["logprob"] for token in tokens],
        "top_logprobs": [
            {other["token"]: other["logprob"] for other in token["top_logprobs"]} for token in tokens
        ],
        "text_offset": offsets,
    }
