"""Traces as a client would have seen them, for tests of who judges them."""

import json

from tests.support.chaos.asks import ECHO, Api, Ask, Key
from tests.support.chaos.history import End, Outage, Outages, Trace, Verb

TEXT = "1.0 1.1 1.2"
USAGE = {"prompt_tokens": 3, "completion_tokens": 3}
EVENTS = {"content-type": "text/event-stream", "x-request-id": "req_1"}
JSON = {"content-type": "application/json", "x-request-id": "req_1"}


def ask(api: Api = Api.CHAT, *, stream: bool = True, key: Key = Key.MAIN) -> Ask:
    return Ask(1, api, ECHO, TEXT, stream, key)


def chunk(content: str = "", *, id_: str = "a", finish: str | None = None, usage: object = None) -> bytes:
    """One chat chunk as an event."""
    choices = [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]
    return event({"id": id_, "choices": choices if usage is None else [], "usage": usage})


def event(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def error_event(code: str = "replica_error") -> bytes:
    return event({"error": {"message": "It broke.", "type": "server_error", "code": code, "param": None}})


def good_events() -> list[bytes]:
    """A stream in order."""
    pieces = [chunk("1.0"), chunk(" 1.1"), chunk(" 1.2"), chunk(finish="stop"), chunk(usage=USAGE)]
    return [*pieces, b"data: [DONE]\n\n"]


def streamed(*events: bytes, of: Ask | None = None, end: End = End.WHOLE) -> Trace:
    trace = Trace(of or ask(), begun_s=10.0, gateway="gateway-1", ended_s=11.0, end=end, status=200)
    trace.headers = EVENTS
    trace.parts = [(10.5, each) for each in events]
    return trace


def refused(status: int, code: str, *, key: Key = Key.MAIN) -> Trace:
    """An answer that is an error."""
    trace = Trace(ask(stream=False, key=key), 10.0, "gateway-1", 11.0, End.WHOLE, status)
    trace.headers = JSON
    error = {"message": "No.", "type": "server_error", "code": code, "param": None}
    trace.parts = [(11.0, json.dumps({"error": error}).encode())]
    return trace


def outages(*struck: tuple[str, Verb, float, float]) -> Outages:
    """What was done to a site with two replicas."""
    return Outages({ECHO: ("echo-1", "echo-2")}, [Outage(*each) for each in struck])
