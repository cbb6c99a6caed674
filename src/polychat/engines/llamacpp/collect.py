"""A whole answer put together from a stream: llama.cpp tells in streams what its whole answers leave out."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from polychat import sse

Document = dict[str, Any]  # Any: decoded JSON
_SAID = ("content", "reasoning_content")


def chunks_of(stream: bytes, event: Callable[[bytes], bytes]) -> Iterator[Document]:
    """The chunks of a whole stream, each shaped by `event`.

    Raises:
        PlatformError: `event` found an error in it.
    """
    for part in sse.EventSplitter().feed(stream):
        data = sse.data_of(part)
        if data is not None and data != b"[DONE]":
            yield from map(msgspec.json.decode, event(data).splitlines())


def chat_of(chunks: Iterator[Document]) -> Document:
    """The chat completion that the chunks tell."""
    return _whole(chunks, "chat.completion", _add_delta)


def text_of(chunks: Iterator[Document]) -> Document:
    """The completion that the chunks tell."""
    return _whole(chunks, "text_completion", _add_text)


def _whole(chunks: Iterator[Document], kind: str, add: Callable[[Document, Document], None]) -> Document:
    choices: dict[int, Document] = {}
    document: Document = {}
    usage = None
    for chunk in chunks:
        usage = chunk.pop("usage", None) or usage
        for part in chunk.pop("choices"):
            choice = choices.setdefault(part["index"], {"index": part["index"], "finish_reason": None})
            add(choice, part)
            _add_logprobs(choice, part.get("logprobs"))
            choice["finish_reason"] = part["finish_reason"] or choice["finish_reason"]
        document = chunk | document
    ordered = [choices[index] for index in sorted(choices)]
    return document | {"object": kind, "choices": ordered, "usage": usage}


def _add_text(choice: Document, part: Document) -> None:
    choice["text"] = choice.get("text", "") + part["text"]


def _add_delta(choice: Document, part: Document) -> None:
    message = choice.setdefault("message", {"role": "assistant", "content": ""})
    delta = part["delta"]
    for key in _SAID:
        if delta.get(key):
            message[key] = (message.get(key) or "") + delta[key]
    for call in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        if call["index"] >= len(calls):
            calls.append({"id": call["id"], "type": "function", "function": dict(call["function"])})
        else:
            calls[call["index"]]["function"]["arguments"] += call["function"].get("arguments", "")


def _add_logprobs(choice: Document, logprobs: Document | None) -> None:
    """Each list is that of the chunks before, and then of this one."""
    known = choice.setdefault("logprobs", None)
    if known is None:
        choice["logprobs"] = logprobs
    elif logprobs is not None:
        for key, values in logprobs.items():
            if values is not None:
                known[key] = [*(known[key] or ()), *values]
