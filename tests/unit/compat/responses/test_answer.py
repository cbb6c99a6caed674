"""From chat chunks to a response and its events."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from polychat.errors import ReplicaError
from tests.unit.compat.responses.support import (
    KEY,
    Json,
    accumulated,
    answer_to,
    call_piece,
    chunk,
    completion,
    events_of,
    finish,
    streamed,
    types_of,
    usage,
)

TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}}
CUSTOM = {"type": "custom", "name": "shell"}
PUBLISHED: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


def test_a_text_goes_through_every_published_event() -> None:
    events = streamed(answer_to(), [chunk(role="assistant", content=""), chunk(content="Hi"), finish()])
    assert types_of(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_the_last_event_holds_the_whole_response() -> None:
    answer = answer_to(metadata={"a": "b"}, temperature=0.5)
    last = streamed(answer, [chunk(content="Hi"), finish(), usage()])[-1]["response"]
    assert last == answer.response
    assert (last["status"], last["created_at"], last["completed_at"]) == ("completed", 100, 200)
    assert (last["metadata"], last["temperature"], last["id"]) == ({"a": "b"}, 0.5, f"resp_{KEY}")
    assert Response.model_validate(last).output_text == "Hi"


def test_token_counts_have_the_names_of_this_api() -> None:
    counts = usage(
        prompt_tokens_details={"cached_tokens": 3}, completion_tokens_details={"reasoning_tokens": 2}
    )
    answer = answer_to()
    streamed(answer, [chunk(content="Hi"), finish(), counts])
    assert answer.response["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }


def test_reasoning_is_an_item_of_its_own_before_the_message() -> None:
    chunks = [chunk(reasoning_content="Let me "), chunk(reasoning_content="see."), chunk(content="4")]
    events = streamed(answer_to(), [*chunks, finish()])
    thought, said = events[-1]["response"]["output"]
    assert thought["content"] == [{"type": "reasoning_text", "text": "Let me see."}]
    assert (thought["summary"], thought["status"], said["type"]) == ([], "completed", "message")
    done = types_of(events).index("reasoning_text.done")
    assert types_of(events)[done : done + 4] == [
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
    ]


def test_a_refusal_is_a_part_of_its_own() -> None:
    events = streamed(answer_to(), [chunk(content="Well,"), chunk(refusal="no."), finish()])
    assert [part["type"] for part in events[-1]["response"]["output"][0]["content"]] == [
        "output_text",
        "refusal",
    ]
    assert [event["content_index"] for event in events if "refusal." in event["type"]] == [1, 1]


def test_parallel_calls_are_items_whose_pieces_may_be_mixed() -> None:
    pieces = [
        call_piece(0, '{"a":', name="add"),
        call_piece(1, '{"a":', name="add"),
        call_piece(0, "1}"),
        call_piece(1, "2}"),
    ]
    chunks = [chunk(tool_calls=[piece]) for piece in pieces]
    events = streamed(answer_to(tools=[TOOL]), [*chunks, finish("tool_calls")])
    assert [(c["call_id"], c["arguments"]) for c in events[-1]["response"]["output"]] == [
        ("call_0", '{"a":1}'),
        ("call_1", '{"a":2}'),
    ]
    assert events[-1]["response"]["status"] == "completed"


def test_a_custom_tools_input_is_taken_out_of_its_arguments() -> None:
    pieces = [call_piece(0, '{"inp', name="shell"), call_piece(0, 'ut":"ls -l"}')]
    events = streamed(answer_to(tools=[CUSTOM]), [chunk(tool_calls=[p]) for p in pieces] + [finish()])
    (call,) = events[-1]["response"]["output"]
    assert (call["type"], call["name"], call["input"]) == ("custom_tool_call", "shell", "ls -l")
    assert "custom_tool_call_input.done" in types_of(events)


def test_an_answer_cut_at_its_length_is_incomplete() -> None:
    events = streamed(answer_to(), [chunk(content="On and"), finish("length")])
    response = events[-1]["response"]
    assert types_of(events)[-1] == response["status"] == response["output"][-1]["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["completed_at"] is None


def test_an_answer_without_a_word_is_an_empty_message() -> None:
    events = streamed(answer_to(), [finish()])
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == ""


def test_a_background_response_is_queued_first() -> None:
    events = events_of(answer_to(background=True).begin())
    assert types_of(events) == ["created", "queued", "in_progress"]
    assert [event["response"]["status"] for event in events] == ["queued", "queued", "in_progress"]


def test_a_broken_stream_ends_with_an_error_and_a_failed_response() -> None:
    answer = answer_to()
    said = answer.begin() + answer.chunk(chunk(content="Hal"))
    events = events_of(said + answer.broken(ReplicaError("The replica broke off.")))
    assert types_of(events)[-2:] == ["error", "failed"]
    assert events[-2]["message"] == "The replica broke off."
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "The replica broke off."}
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Hal"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@pytest.mark.parametrize("data", [b'{"error":{"message":"out of memory"}}', b"[]", b'{"choices":5}'])
def test_what_is_no_chat_chunk_is_the_replicas_fault(data: bytes) -> None:
    with pytest.raises(ReplicaError):
        answer_to().chunk(data)


def test_logprobs_come_with_their_text_and_whole_at_the_end() -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    said = token | {"id": 555}  # llama.cpp's own
    choice = {"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [said]}, "finish_reason": None}
    with_logprobs = json.dumps({"choices": [choice]}).encode()
    events = streamed(answer_to(include=["message.output_text.logprobs"]), [with_logprobs, finish()])
    delta = next(event for event in events if event["type"] == "response.output_text.delta")
    assert delta["logprobs"] == [{"token": "Hi", "logprob": -0.5, "top_logprobs": []}]
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == [token]


words = st.text(min_size=1, max_size=6)
says = st.one_of(
    st.builds(lambda text: {"reasoning_content": text}, words),
    st.builds(lambda text: {"content": text}, words),
    st.builds(lambda text: {"refusal": text}, words),
    st.just({"content": ""}),
    st.builds(
        lambda index, name, text: {"tool_calls": [call_piece(index, text, name=name)]},
        st.integers(0, 2),
        st.sampled_from(["add", "shell"]),
        words,
    ),
)


@settings(deadline=None)  # a busy machine is no bug
@given(st.lists(says, max_size=12), st.sampled_from(["stop", "length", "tool_calls"]))
def test_whatever_is_said_in_whatever_pieces_the_events_add_up_to_the_response(
    said: list[Json], reason: str
) -> None:
    answer = answer_to(tools=[TOOL, CUSTOM])
    events = streamed(answer, [*(chunk(**delta) for delta in said), finish(reason), usage()])
    assert accumulated(events) == answer.response["output"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        PUBLISHED.validate_python(event, strict=True)


@settings(deadline=None)  # a busy machine is no bug
@given(
    thought=st.lists(words, max_size=3),
    text=st.lists(words, max_size=4),
    calls=st.lists(st.lists(words, min_size=1, max_size=3), max_size=3),
)
def test_a_stream_says_what_an_answer_in_one_piece_says(
    thought: list[str], text: list[str], calls: list[list[str]]
) -> None:
    pieces = [chunk(reasoning_content=piece) for piece in thought] + [chunk(content=piece) for piece in text]
    for index, arguments in enumerate(calls):
        named = [call_piece(index, piece, name=None if i else "add") for i, piece in enumerate(arguments)]
        pieces += [chunk(tool_calls=[piece]) for piece in named]
    message = {"content": "".join(text), "reasoning_content": "".join(thought)}
    whole_calls = [call_piece(i, "".join(arguments), name="add") for i, arguments in enumerate(calls)]
    in_pieces, in_one = answer_to(tools=[TOOL]), answer_to(tools=[TOOL])
    streamed(in_pieces, [*pieces, finish(), usage()])
    in_one.whole(completion(message | {"tool_calls": whole_calls}))
    in_one.close()
    assert in_pieces.response == in_one.response
