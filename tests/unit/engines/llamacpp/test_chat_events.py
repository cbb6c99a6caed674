"""What a chat's stream remembers from chunk to chunk (bytes as xllamacpp 2026.10 sent them)."""

import json
from collections.abc import Callable

import pytest

from polychat.engines.base import RequestView
from polychat.engines.dialects import dialect_of
from polychat.errors import PlatformError
from polychat.schema.chat import ChatRequest
from polychat.types import Endpoint

FAILED = (
    b'{"error":{"code":500,"message":"The model produced output that does not match","type":"server_error"}}'
)


def events(**fields: object) -> Callable[[bytes], bytes]:
    request = ChatRequest(model="m", messages=[], **fields)  # type: ignore[arg-type]
    view = RequestView(Endpoint.CHAT, "m", stream=True, include_usage=True, request=request)
    event = dialect_of("llamacpp")(b"{}", view).event
    assert event is not None
    return event


def chunk(choices: bytes, *, created: int = 1795402097, end: bytes = b"") -> bytes:
    return b'{"choices":[%b],"created":%d,"id":"chatcmpl-a","model":"m"%b}' % (choices, created, end)


def usage(cached: int) -> bytes:
    counts = b'"completion_tokens":2,"prompt_tokens":9,"total_tokens":11'
    return b',"usage":{%b,"prompt_tokens_details":{"cached_tokens":%d}}' % (counts, cached)


def test_the_token_counts_of_all_choices_come_once_and_last() -> None:
    event = events(n=2)
    assert event(chunk(b"", end=usage(0))) == b""
    assert json.loads(event(chunk(b"", end=usage(8))))["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def test_all_chunks_have_the_time_of_the_first() -> None:
    event, said = events(), b'{"finish_reason":null,"index":0,"delta":{"content":"a"}}'
    sent = [json.loads(event(chunk(said, created=at))) for at in (1795402097, 1795402098)]
    assert [document["created"] for document in sent] == [1795402097] * 2
    assert [document["usage"] for document in sent] == [None] * 2


def test_only_the_first_of_parallel_calls_is_told_to_those_who_want_one() -> None:
    delta = b'{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"f","arguments":"{"}}]}'
    event = events(parallel_tool_calls=None)
    assert b'"id":"b"' in event(chunk(b'{"finish_reason":null,"index":0,"delta":%b}' % delta))
    request = ChatRequest(model="m", messages=[])
    request.parallel_tool_calls = False
    view = RequestView(Endpoint.CHAT, "m", stream=True, request=request)
    one = dialect_of("llamacpp")(b"{}", view).event
    assert one is not None
    assert one(chunk(b'{"finish_reason":null,"index":0,"delta":%b}' % delta)) == b""


def test_an_error_in_mid_stream_is_the_platforms() -> None:
    with pytest.raises(PlatformError, match="does not match") as caught:
        events()(FAILED)
    assert caught.value.code == "replica_error"
