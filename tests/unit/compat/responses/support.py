"""Feeds chat chunks to an answer, and reads its events as a client does."""

import json
from collections.abc import Iterable
from typing import Any

from polychat.compat.responses.answer import Answer
from polychat.compat.responses.requests import parse
from polychat.compat.responses.response import begun
from polychat.compat.responses.tools import custom_names

Json = dict[str, Any]
KEY = "0123456789abcdef" * 3
ASKED: Json = {"model": "m", "input": "hi"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def answer_to(**fields: object) -> Answer:
    """The answer to a request, before there is anything in it."""
    document = ASKED | fields
    request = parse(json.dumps(document).encode())
    first = begun(request, document, key=KEY, created_at=100)
    return Answer(first, key=KEY, custom=custom_names(request.tools), now_s=lambda: 200.5)


def chunk(**delta: object) -> bytes:
    return _chat([{"index": 0, "delta": delta, "finish_reason": None}])


def finish(reason: str = "stop") -> bytes:
    return _chat([{"index": 0, "delta": {}, "finish_reason": reason}])


def usage(**counts: object) -> bytes:
    return _chat([], usage=USAGE | counts)


def call_piece(index: int, arguments: str, *, name: str | None = None) -> Json:
    opening = {"id": f"call_{index}", "type": "function"} if name else {}
    return {"index": index, **opening, "function": {"name": name, "arguments": arguments}}


def completion(message: Json, *, finish_reason: str = "stop", logprobs: Json | None = None) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": logprobs}
    return _chat([choice], usage=USAGE)


def streamed(answer: Answer, chunks: Iterable[bytes]) -> list[Json]:
    """Every event of the answer when the engine says `chunks`."""
    said = answer.begin() + b"".join(answer.chunk(data) for data in chunks) + answer.close() + answer.last()
    return events_of(said)


def events_of(said: bytes) -> list[Json]:
    """The events in a stream's bytes, each framed as published."""
    events = []
    for frame in said.decode().removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def types_of(events: Iterable[Json]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def accumulated(events: Iterable[Json]) -> list[Json]:
    """The output items as a client puts them together from deltas alone."""
    items: list[Json] = []
    for event in events:
        match event["type"].removeprefix("response."):
            case "output_item.added":
                assert event["output_index"] == len(items)
                items.append(event["item"])
            case "content_part.added":
                content = items[event["output_index"]]["content"]
                assert event["content_index"] == len(content)
                content.append(event["part"])
            case "output_item.done":
                item = items[event["output_index"]]
                assert item | {"status": ""} == event["item"] | {"status": ""}
                items[event["output_index"]] = event["item"]
            case delta if delta.endswith(".delta"):
                _grow(items, event, _GROWING[delta])
    return items


_GROWING = {  # event -> the field to which its delta belongs
    "output_text.delta": "text",
    "reasoning_text.delta": "text",
    "refusal.delta": "refusal",
    "function_call_arguments.delta": "arguments",
    "custom_tool_call_input.delta": "input",
}


def _grow(items: list[Json], event: Json, field: str) -> None:
    item = items[event["output_index"]]
    assert item["id"] == event["item_id"]
    grown = item["content"][event["content_index"]] if "content_index" in event else item
    grown[field] += event["delta"]


def _chat(choices: list[Json], **fields: object) -> bytes:
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return json.dumps(about | {"choices": choices} | fields).encode()
