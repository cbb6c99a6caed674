"""Reads a stream's events one after the other, and notes what no stream may do. Pure."""

import json
from collections.abc import Callable, Iterator

from tests.support.chaos.asks import Api
from tests.support.chaos.history import Trace
from tests.support.chaos.reading import Json, Reading, read_whole

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)


def read(trace: Trace) -> Reading:
    """What the trace's body says, and what is wrong with it."""
    reading = Reading()
    is_stream = trace.headers.get("content-type", "").startswith("text/event-stream")
    try:
        if is_stream:
            _Stream(trace.ask.api, reading).read(trace.body)
        else:
            read_whole(trace.ask.api, trace.status, trace.body, reading)
    except UNREADABLE as exc:
        reading.problems.append(f"cannot be read: {exc!r}")
    if not trace.headers.get("x-request-id") and not trace.headers.get("request-id"):
        reading.problems.append("has no request id")
    if trace.status == 200 and is_stream is not trace.ask.stream:
        reading.problems.append("streams" if is_stream else "does not stream")
    return reading


class _Stream:
    """One stream, event after event."""

    def __init__(self, api: Api, reading: Reading) -> None:
        self._api = api
        self._reading = reading
        self._ids: set[str] = set()
        self._number = -1  # the last sequence number

    def read(self, body: bytes) -> None:
        read_event = self._reader()
        for kind, data in self._events(body):
            if self._reading.ends:
                self._reading.problems.append(f"goes on after its end: {data[:200]}")
            if data == "[DONE]":
                self._reading.ends += 1
            else:
                read_event(kind, json.loads(data))
        if len(self._ids) > 1:
            self._reading.problems.append(f"changes its id: {sorted(self._ids)}")

    def _reader(self) -> Callable[[str, Json], None]:
        match self._api:
            case Api.RESPONSES:
                return self._responses
            case Api.MESSAGES:
                return self._messages
            case _:
                return self._chunk

    def _events(self, body: bytes) -> Iterator[tuple[str, str]]:
        """The type and the data of each event."""
        *events, rest = body.decode().split("\n\n")
        if rest:
            self._reading.problems.append(f"ends within an event: {rest[:200]!r}")
        for event in events:
            fields = dict(line.split(": ", 1) for line in event.split("\n") if not line.startswith(":"))
            if "data" in fields:
                yield fields.get("event", ""), fields["data"]

    def _chunk(self, kind: str, document: Json) -> None:
        if "error" in document:
            self._reading.ends += 1
            self._reading.fail(self._api, document["error"])
            return
        self._ids.add(document["id"])
        for choice in document["choices"]:
            piece = choice["delta"].get("content") if "delta" in choice else choice["text"]
            self._reading.text += piece or ""
            self._reading.end_with(choice.get("finish_reason"))
        if document.get("usage"):
            self._reading.count(document["usage"])

    def _responses(self, kind: str, document: Json) -> None:
        if document["sequence_number"] != self._number + 1:
            self._reading.problems.append(f"counts {self._number}, {document['sequence_number']}")
        self._number = document["sequence_number"]
        if "response" in document:
            self._ids.add(document["response"]["id"])
        match document["type"]:
            case "response.output_text.delta":
                self._reading.text += document["delta"]
            case "error":  # response.failed follows
                self._reading.fail(self._api, document)
            case "response.completed" | "response.incomplete":
                self._reading.ends += 1
                self._reading.end_with(document["response"]["status"])
                self._reading.count(document["response"]["usage"])
            case "response.failed":
                self._reading.ends += 1

    def _messages(self, kind: str, document: Json) -> None:
        match document["type"]:
            case "message_start":
                self._ids.add(document["message"]["id"])
            case "content_block_delta":
                self._reading.text += document["delta"]["text"]
            case "message_delta":
                self._reading.end_with(document["delta"]["stop_reason"])
                self._reading.count(document["usage"])
            case "message_stop":
                self._reading.ends += 1
            case "error":
                self._reading.ends += 1
                self._reading.fail(self._api, document["error"])
