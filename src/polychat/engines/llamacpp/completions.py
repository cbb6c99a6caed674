"""Where llama.cpp's completions depart from the published API, and how they are set right."""

import re
from typing import Any

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import fields

_LOGPROBS = b'"logprobs":{'
_CHAT_ID = b'"id":"chatcmpl-'
_TEXT_ID = b'"id":"cmpl-'
_LENGTH_ASKED = re.compile(rb'"(?:max_tokens|n_predict)"\s*:\s*-?\d')
_DEFAULT_LENGTH = b',"max_tokens":16}'  # OpenAI's; llama.cpp goes on until its context is full


def shape(body: bytes, view: RequestView) -> Shaped:
    """One completion."""
    return Shaped(
        view.endpoint,
        request(body),
        response=lambda data: response(data, view),
        event=lambda data: event(data, view),
    )


def request(data: bytes) -> bytes:
    """One request as llama.cpp must get it: a completion of no given length is short."""
    if _LENGTH_ASKED.search(data):
        return data
    return data.rstrip()[:-1] + _DEFAULT_LENGTH  # of two equal keys the last one counts


def event(data: bytes, view: RequestView) -> bytes:
    """One streamed chunk as OpenAI would send it; the very same object when nothing is amiss."""
    if data == b"null":  # what it sends between two prompts of one request
        return b""
    return fields.usage_apart(response(data, view), view)


def response(data: bytes, view: RequestView) -> bytes:
    """A whole answer as OpenAI would send it."""
    return fields.common(_plain_logprobs(data.replace(_CHAT_ID, _TEXT_ID, 1)), view)


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
