"""Edits of llama.cpp's JSON documents as bytes, for every route.

Seen with xllamacpp 2026.10. Texts in these documents are escaped, so a key with its bare quotes, such as
`"timings":{`, is never part of what the model said: most changes are made without decoding.
"""

import functools

import msgspec

from polychat.engines.base import RequestView

TIMINGS = b',"timings":{'
_MODEL = b'"model":"'
_USAGE = b'"usage":{'
_NO_CHOICES = b'"choices":[]'


def common(data: bytes, view: RequestView) -> bytes:
    """The model under the name that the client used, and no private fields unless asked for."""
    data = named(data, view.model)
    if TIMINGS in data and not view.wants_private_fields:
        start = data.rfind(TIMINGS)
        return data[:start] + data[data.index(b"}", start) + 1 :]
    return data


def named(data: bytes, model: str) -> bytes:
    """The model under the name that the client used: llama.cpp says the one it was started with."""
    at = data.find(_MODEL)
    if at < 0:
        return data
    start = at + len(_MODEL) - 1
    name = _quoted(model)
    if data.startswith(name, start):
        return data
    return data[:start] + name + data[_string_end(data, start) :]


def usage_apart(data: bytes, view: RequestView) -> bytes:
    """Usage comes in a chunk of its own, without choices, and only to those who asked for it."""
    if _USAGE not in data or _NO_CHOICES in data:
        return data
    chunk = msgspec.json.decode(data)
    usage = chunk.pop("usage")
    last = msgspec.json.encode(chunk)
    if not view.include_usage:
        return last
    return last + b"\n" + msgspec.json.encode(chunk | {"choices": [], "usage": usage})


def _string_end(data: bytes, start: int) -> int:
    """The index after the JSON string whose opening quote is at `start`."""
    end = data.index(b'"', start + 1)
    while (end - len(data[:end].rstrip(b"\\"))) % 2:  # an odd number of backslashes: that quote is escaped
        end = data.index(b'"', end + 1)
    return end + 1


@functools.lru_cache(maxsize=256)
def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)
