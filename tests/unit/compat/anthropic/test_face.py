"""A chat completion as Anthropic's clients see it, by example."""

import json
from collections.abc import Sequence

import pytest

from polychat.compat.anthropic.errors import errors_of
from polychat.compat.anthropic.events import SIGNATURE
from polychat.compat.anthropic.face import AnthropicFace
from polychat.errors import PlatformError

Json = dict[str, object]
USAGE: Json = {
    "prompt_tokens": 5,
    "completion_tokens": 3,
    "prompt_tokens_details": {"cached_tokens": 4},
}
SHOWN_USAGE = {
    "input_tokens": 1,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 4,
    "output_tokens": 3,
}


def face(*, stop_sequences: Sequence[str] = (), shows_thinking: bool = True) -> AnthropicFace:
    return AnthropicFace(
        "m", errors_of("req_1"), stop_sequences=stop_sequences, shows_thinking=shows_thinking
    )


def chunk(finish_reason: str | None = None, about: Json | None = None, **delta: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return json.dumps({"choices": [choice]} | (about or {})).encode()


def call(index: int | None, id_: str | None = None, **function: object) -> Json:
    return {"index": index, "id": id_, "type": "function", "function": function}


def events(shown: AnthropicFace, *chunks: bytes) -> list[Json]:
    """The data of the stream's events; each event is named as its data says."""
    text = b"".join([*[shown.chunk(data) for data in chunks], shown.end()]).decode()
    found = []
    for event in text.removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def whole(
    shown: AnthropicFace, finish_reason: str = "stop", about: Json | None = None, **message: object
) -> Json:
    choice: Json = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish_reason}
    body = {"choices": [choice | (about or {})], "usage": USAGE}
    return dict(json.loads(shown.whole(json.dumps(body).encode())))


def test_a_whole_message_has_every_field() -> None:
    message = whole(face(), content="Hello")
    assert str(message.pop("id")).startswith("msg_")
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": SHOWN_USAGE,
    }


def test_a_stream_has_every_event_in_order() -> None:
    usage = json.dumps({"choices": [], "usage": USAGE}).encode()
    pieces = [chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo")]
    start, *rest = events(face(), *pieces, chunk("stop", content=""), usage)
    assert start["type"] == "message_start"
    message = start["message"]
    assert isinstance(message, dict)
    assert message["content"] == []
    assert message["usage"]["input_tokens"] == 0
    assert rest == [
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": SHOWN_USAGE,
        },
        {"type": "message_stop"},
    ]


@pytest.mark.parametrize(
    ("finish_reason", "stop_reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("eos", "end_turn")],
)
def test_the_reason_of_the_end_has_anthropics_name(finish_reason: str, stop_reason: str) -> None:
    assert whole(face(), finish_reason, content="a")["stop_reason"] == stop_reason
    *_, delta, _ = events(face(), chunk(finish_reason, content="a"))
    assert delta["delta"] == {"stop_reason": stop_reason, "stop_sequence": None}


@pytest.mark.parametrize("engines_word", ["stop_reason", "matched_stop"])
def test_the_stop_sequence_that_was_met_is_told(engines_word: str) -> None:
    message = whole(face(stop_sequences=["A", "B"]), about={engines_word: "B"}, content="")
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "B")


def test_the_stop_sequence_is_told_in_a_stream_of_llamacpp_too() -> None:
    shown = face(stop_sequences=["A", "B"])
    *_, delta, _ = events(shown, chunk("stop", {"__verbose": {"stopping_word": "B"}}))
    assert delta["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "B"}


@pytest.mark.parametrize("met", ["<|im_end|>", 151645, None, ""])
def test_a_stop_that_the_client_did_not_ask_for_ends_the_turn(met: object) -> None:
    message = whole(face(stop_sequences=["A"]), about={"stop_reason": met}, content="")
    assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)


def test_thoughts_come_before_the_text_and_with_a_signature() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE}
    said = [thought, {"type": "text", "text": "Yes"}]
    assert whole(face(), content="Yes", reasoning_content="Hm.")["content"] == said
    assert whole(face(), content="Yes", reasoning="Hm.")["content"] == said


def test_a_streamed_thought_is_a_block_of_its_own() -> None:
    _, _, *blocks, _, _ = events(face(), chunk(reasoning_content="Hm."), chunk(content="Yes"))
    empty = {"type": "thinking", "thinking": "", "signature": ""}
    assert blocks == [
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": SIGNATURE},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Yes"}},
        {"type": "content_block_stop", "index": 1},
    ]


def test_thoughts_that_the_client_does_not_want_are_left_out() -> None:
    assert whole(face(shows_thinking=False), content="Yes", reasoning_content="Hm.")["content"] == [
        {"type": "text", "text": "Yes"}
    ]
    shown = events(face(shows_thinking=False), chunk(reasoning_content="Hm."))
    assert [event["type"] for event in shown] == ["message_start", "ping", "message_delta", "message_stop"]


@pytest.mark.parametrize("finish_reason", ["tool_calls", "stop"])
def test_calls_become_blocks_with_their_input_read(finish_reason: str) -> None:
    calls = [call(None, "a", name="f", arguments='{"x": 1}'), call(None, "b", name="g", arguments="")]
    message = whole(face(), finish_reason, content=None, tool_calls=calls)
    assert message["stop_reason"] == "tool_use"
    assert message["content"] == [
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]


def test_streamed_calls_are_one_block_each() -> None:
    pieces = [
        chunk(content="Ok"),
        chunk(tool_calls=[call(0, "a", name="f", arguments="")]),
        chunk(tool_calls=[call(0, arguments='{"x":')]),
        chunk(tool_calls=[call(0, arguments="1}"), call(1, "b", name="g", arguments="{}")]),
    ]
    _, _, _, _, _, *blocks, delta, _ = events(face(), *pieces, chunk("tool_calls"))
    used = {"type": "tool_use", "input": {}}

    def written(index: int, text: str) -> Json:
        delta = {"type": "input_json_delta", "partial_json": text}
        return {"type": "content_block_delta", "index": index, "delta": delta}

    assert blocks == [
        {"type": "content_block_start", "index": 1, "content_block": used | {"id": "a", "name": "f"}},
        written(1, '{"x":'),
        written(1, "1}"),
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": used | {"id": "b", "name": "g"}},
        written(2, "{}"),
        {"type": "content_block_stop", "index": 2},
    ]
    assert delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_a_call_without_an_id_gets_one() -> None:
    message = whole(face(), tool_calls=[call(None, name="f", arguments="{}")])
    assert isinstance(message["content"], list)
    assert message["content"][0]["id"].startswith("toolu_")


def test_arguments_that_are_no_object_are_the_models_failure() -> None:
    with pytest.raises(PlatformError, match="'f' with arguments that are no JSON object"):
        whole(face(), "tool_calls", tool_calls=[call(0, "a", name="f", arguments="[1")])


def test_a_call_that_was_cut_at_the_answers_length_is_shown_without_input() -> None:
    message = whole(face(), "length", tool_calls=[call(0, "a", name="f", arguments='{"x')])
    assert message["stop_reason"] == "max_tokens"
    assert message["content"] == [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]


def test_pieces_of_a_call_that_another_has_followed_are_an_error() -> None:
    both = chunk(tool_calls=[call(0, "a", name="f"), call(1, "b", name="g")])
    *_, last = events(face(), both, chunk(tool_calls=[call(0, arguments="{}")]), chunk(content="More"))
    assert last["type"] == "error"
    assert "mixed up" in str(last["error"])


def test_a_refusal_is_what_the_model_says() -> None:
    content = whole(face(), content=None, refusal="I will not.")["content"]
    assert content == [{"type": "text", "text": "I will not."}]


@pytest.mark.parametrize("error", ["It broke.", {"message": "It broke.", "code": 500}])
def test_an_engines_error_ends_a_stream_that_has_begun(error: object) -> None:
    failure = json.dumps({"error": error}).encode()
    *_, delta, last = events(face(), chunk(content="Hel"), failure)
    assert delta["type"] == "content_block_delta"
    assert last["error"] == {"type": "api_error", "message": "It broke."}
    with pytest.raises(PlatformError, match=r"It broke\."):
        face().chunk(failure)


def test_an_answer_that_says_nothing_is_a_message_all_the_same() -> None:
    assert whole(face(), content="")["content"] == []
    shown = events(face())
    assert [event["type"] for event in shown] == ["message_start", "ping", "message_delta", "message_stop"]


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"choices":[{"message":{"content":7}}]}'])
def test_what_is_no_chat_completion_is_the_engines_failure(answer: bytes) -> None:
    with pytest.raises(PlatformError, match="no chat completion"):
        face().whole(answer)
