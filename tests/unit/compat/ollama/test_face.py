"""A replica's answer as Ollama's clients see it, by example."""

import itertools
import json
from datetime import UTC, datetime

import pytest

from polychat.compat.ollama.errors import OLLAMA_ERRORS
from polychat.compat.ollama.face import Clock, OllamaFace, Show, as_chat, as_generate
from polychat.errors import NoReplicaAvailable, PlatformError, UnknownModel

USAGE = {"prompt_tokens": 5, "completion_tokens": 3}
NOW = "2026-01-02T03:04:05.000006Z"
Line = dict[str, object]


def face(show: Show = as_chat) -> OllamaFace:
    """Each look at the clock is 10 ns later."""
    ticks = itertools.count(1000, 10)
    return OllamaFace("m", show, Clock(lambda: datetime(2026, 1, 2, 3, 4, 5, 6, UTC), lambda: next(ticks)))


def chunk(finish_reason: str | None = None, **delta: object) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}).encode()


def call(index: int, **piece: object) -> dict[str, object]:
    return {"index": index, "function": piece}


def lines(shown: OllamaFace, *chunks: bytes) -> list[Line]:
    said = b"".join([*[shown.chunk(data) for data in chunks], shown.end()])
    return [json.loads(line) for line in said.splitlines()]


def whole(shown: OllamaFace, finish_reason: str = "stop", **message: object) -> Line:
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish_reason}
    return dict(json.loads(shown.whole(json.dumps({"choices": [choice], "usage": USAGE}).encode())))


def test_a_whole_chat_has_every_field() -> None:
    assert whole(face(), content="Hello") == {
        "model": "m",
        "created_at": NOW,
        "message": {"role": "assistant", "content": "Hello"},
        "done": True,
        "done_reason": "stop",
        "total_duration": 10,
        "load_duration": 0,
        "prompt_eval_count": 5,
        "prompt_eval_duration": 0,
        "eval_count": 3,
        "eval_duration": 10,
    }


def test_a_stream_is_a_line_for_each_piece_and_one_with_the_counts() -> None:
    usage = json.dumps({"choices": [], "usage": USAGE}).encode()
    pieces = [chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo")]
    first, second, last = lines(face(), *pieces, chunk("stop", content=""), usage)
    assert first == {
        "model": "m",
        "created_at": NOW,
        "message": {"role": "assistant", "content": "Hel"},
        "done": False,
    }
    assert second["message"] == {"role": "assistant", "content": "lo"}
    assert last == {
        "model": "m",
        "created_at": NOW,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "total_duration": 20,
        "load_duration": 0,
        "prompt_eval_count": 5,
        "prompt_eval_duration": 10,
        "eval_count": 3,
        "eval_duration": 10,
    }


def test_generate_says_response() -> None:
    assert whole(face(as_generate), content="Hello")["response"] == "Hello"
    assert [line["response"] for line in lines(face(as_generate), chunk(content="a"))] == ["a", ""]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_called_thinking(field: str) -> None:
    message = whole(face(), content="4", **{field: "2 and 2"})["message"]
    assert message == {"role": "assistant", "content": "4", "thinking": "2 and 2"}
    assert whole(face(as_generate), content="4", **{field: "2 and 2"})["thinking"] == "2 and 2"


@pytest.mark.parametrize(
    ("finish_reason", "done_reason"), [("stop", "stop"), ("length", "length"), ("tool_calls", "stop")]
)
def test_the_reason_for_the_end_is_one_of_ollamas(finish_reason: str, done_reason: str) -> None:
    assert whole(face(), finish_reason, content="x")["done_reason"] == done_reason
    assert lines(face(), chunk(finish_reason, content="x"))[-1]["done_reason"] == done_reason


def test_streamed_calls_are_shown_when_their_arguments_are_whole() -> None:
    chunks = [
        chunk(tool_calls=[call(0, name="add", arguments='{"a"')]),
        chunk(tool_calls=[call(0, arguments=":1}")]),
        chunk(tool_calls=[call(1, name="now", arguments="")]),
        chunk("tool_calls"),
    ]
    shown = face()
    said = [shown.chunk(data) for data in chunks]
    assert [bool(line) for line in said] == [False, False, True, True]
    assert [json.loads(line)["message"]["tool_calls"] for line in said if line] == [
        [{"function": {"index": 0, "name": "add", "arguments": {"a": 1}}}],
        [{"function": {"index": 1, "name": "now", "arguments": {}}}],
    ]


def test_a_call_keeps_its_id() -> None:
    calls = [{"id": "call_9", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = whole(face(), "tool_calls", content=None, tool_calls=calls)["message"]
    assert isinstance(message, dict)
    assert message["content"] == ""
    assert message["tool_calls"] == [{"id": "call_9", "function": {"index": 0, "name": "f", "arguments": {}}}]


def test_a_call_cut_at_the_length_is_left_out() -> None:
    message = whole(face(), "length", content="", tool_calls=[call(0, name="f", arguments='{"a')])["message"]
    assert message == {"role": "assistant", "content": ""}


def test_arguments_that_are_no_object_are_an_error() -> None:
    with pytest.raises(PlatformError, match="'f' with arguments that are no JSON object"):
        whole(face(), "tool_calls", tool_calls=[call(0, name="f", arguments="[1]")])


def test_logprobs_of_a_chat_are_shown_as_they_are() -> None:
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1.0}]}
    choice = {"delta": {"content": "a"}, "logprobs": {"content": [token]}, "finish_reason": None}
    [line, _] = lines(face(), json.dumps({"choices": [choice]}).encode())
    assert line["logprobs"] == [token]


def test_logprobs_of_a_completion_get_the_form_of_chats() -> None:
    logprobs = {
        "tokens": ["a", "b"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"b": -0.5, "c": -2}],
    }
    choice = {"text": "ab", "logprobs": logprobs, "finish_reason": "stop"}
    shown = json.loads(face(as_generate).whole(json.dumps({"choices": [choice]}).encode()))
    others = [{"token": "b", "logprob": -0.5}, {"token": "c", "logprob": -2.0}]
    assert shown["logprobs"] == [{"token": "b", "logprob": -0.5, "top_logprobs": others}]


@pytest.mark.parametrize("error", ["out of memory", {"message": "out of memory", "code": 500}])
def test_an_engines_error_in_a_stream_is_its_last_line(error: object) -> None:
    assert lines(face(), json.dumps({"error": error}).encode()) == [{"error": "out of memory"}]


def test_a_model_that_is_there_is_loaded() -> None:
    assert json.loads(face(as_generate).loaded(unloads=False)) == {
        "model": "m",
        "created_at": NOW,
        "response": "",
        "done": True,
        "done_reason": "load",
    }
    assert json.loads(face().loaded(unloads=True))["done_reason"] == "unload"


def test_errors_are_one_sentence() -> None:
    assert OLLAMA_ERRORS.body(UnknownModel("x")) == b'{"error":"model \'x\' not found"}'
    assert OLLAMA_ERRORS.event(PlatformError("It broke.")) == b'{"error":"It broke."}\n'
    assert b"cannot answer now" in OLLAMA_ERRORS.body(NoReplicaAvailable("x"))
