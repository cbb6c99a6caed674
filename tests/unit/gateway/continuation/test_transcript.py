"""Streams that go on at another replica: what is asked for there, and what the client sees."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat import sse
from polychat.engines.base import RequestView
from polychat.gateway.continuation.transcript import MAX_BYTES, Rest, Transcript
from polychat.gateway.routes.inference import view_of
from polychat.schema.completions import CompletionRequest
from polychat.schema.validation import parse_chat, parser_of
from polychat.types import Endpoint, Feature

ASKED: dict[str, Any] = {  # Any: JSON
    "model": "m",
    "stream": True,
    "messages": [{"role": "user", "content": "hi"}],
}


def chunk(text: str | None = None, *, id_: str = "first", **more: object) -> bytes:
    delta = {"content": text} if text is not None else {}
    document = {
        "id": id_,
        "object": "chat.completion.chunk",
        "created": 1 if id_ == "first" else 2,
        "model": "m",
        "choices": [{"index": 0, "delta": delta | more.pop("delta", {}), "finish_reason": None} | more],  # type: ignore[operator]  # a test's shorthand
    }
    return sse.encode(msgspec.json.encode(document))


def counts(prompt: int, completion: int, **more: object) -> bytes:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    usage |= more  # type: ignore[arg-type]  # a test's shorthand
    return sse.encode(msgspec.json.encode({"id": "second", "created": 2, "choices": [], "usage": usage}))


def cut_after(*events: bytes, **fields: object) -> tuple[Transcript, Rest | str]:
    """A transcript of a chat whose first replica died after these events, and what comes of it."""
    body = msgspec.json.encode(ASKED | fields)
    transcript = Transcript()
    for event in events:
        transcript.passed(event)
    return transcript, transcript.rest(body, view_of(Endpoint.CHAT, parse_chat(body)))


def documents(events: bytes) -> list[dict[str, Any]]:  # Any: decoded JSON
    datas = [sse.data_of(event) for event in sse.EventSplitter().feed(events)]
    return [msgspec.json.decode(data) for data in datas if data and data != b"[DONE]"]


def test_the_rest_is_asked_for_with_the_text_so_far_and_fewer_tokens() -> None:
    _, rest = cut_after(chunk("Hel"), chunk("lo"), max_tokens=10, seed=7, stop=["x"], temperature=0)
    assert isinstance(rest, Rest)
    asked = msgspec.json.decode(rest.body)
    assert asked["messages"][-1] == {"role": "assistant", "content": "Hello"}
    assert asked["continue_final_message"]
    assert (asked["max_tokens"], asked["seed"], asked["stop"], asked["temperature"]) == (8, 7, ["x"], 0)
    assert Feature.CONTINUE in rest.view.needs
    assert parse_chat(rest.body) == rest.view.request


def test_a_message_that_the_client_had_begun_is_made_longer() -> None:
    begun = [*ASKED["messages"], {"role": "assistant", "content": "Once"}]
    _, rest = cut_after(chunk(" upon"), messages=begun, continue_final_message=True)
    assert isinstance(rest, Rest)
    assert msgspec.json.decode(rest.body)["messages"][-1]["content"] == "Once upon"


def test_before_the_first_word_the_whole_answer_is_asked_for_again() -> None:
    _, rest = cut_after(chunk("", delta={"role": "assistant"}), n=2, logprobs=True)
    assert isinstance(rest, Rest)
    assert "continue_final_message" not in msgspec.json.decode(rest.body)


@pytest.mark.parametrize(
    ("events", "fields", "why"),
    [
        (chunk(delta={"tool_calls": [{"index": 0}]}), {}, "calling a tool"),
        (chunk(delta={"reasoning_content": "hm"}), {}, "thinking"),
        (chunk("{"), {"response_format": {"type": "json_object"}}, "response_format"),
        (chunk("a"), {"logprobs": True}, "log probabilities"),
        (chunk("a"), {"n": 2}, "several choices"),
    ],
)
def test_what_cannot_be_continued_is_told_with_the_reason(
    events: bytes, fields: dict[str, object], why: str
) -> None:
    _, rest = cut_after(events, **fields)
    assert isinstance(rest, str)
    assert why in rest


def test_what_comes_next_has_the_first_replicas_id_and_no_second_role() -> None:
    transcript, _ = cut_after(chunk("Hel", delta={"role": "assistant"}))
    opening = chunk("", id_="second", delta={"role": "assistant"})
    shown = transcript.passed(opening + chunk("lo", id_="second", delta={"role": "assistant"}))
    [only] = documents(shown)
    assert (only["id"], only["created"]) == ("first", 1)
    assert only["choices"][0]["delta"] == {"content": "lo"}


def test_a_replica_that_adds_nothing_before_it_dies_makes_no_progress() -> None:
    transcript, first = cut_after(chunk("Hel"))
    body = msgspec.json.encode(ASKED)
    view = view_of(Endpoint.CHAT, parse_chat(body))
    second = transcript.rest(body, view)
    transcript.passed(chunk("lo", id_="third"))
    third = transcript.rest(body, view)
    assert isinstance(first, Rest)
    assert isinstance(second, Rest)
    assert isinstance(third, Rest)
    assert (first.has_grown, second.has_grown, third.has_grown) == (True, False, True)


def test_the_token_counts_are_those_of_the_whole_answer() -> None:
    transcript, _ = cut_after(chunk("Hel"), chunk("lo"))
    [counted] = documents(transcript.passed(counts(prompt=12, completion=3)))
    assert counted["usage"] == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def test_what_was_said_is_no_cached_prompt() -> None:
    transcript, _ = cut_after(chunk("Hel"), chunk("lo"))
    event = counts(prompt=12, completion=3, prompt_tokens_details={"cached_tokens": 11})
    [counted] = documents(transcript.passed(event))
    assert counted["usage"]["prompt_tokens_details"] == {"cached_tokens": 10}


def test_what_was_said_counts_as_it_was_said_however_it_is_cut_anew() -> None:
    transcript, _ = cut_after(chunk("\n"), chunk("\n"), chunk("\n"))
    [counted] = documents(transcript.passed(counts(prompt=2, completion=3)))
    assert counted["usage"] == {"prompt_tokens": 0, "completion_tokens": 6, "total_tokens": 6}


def test_an_answer_that_lacks_nothing_but_its_end_is_ended() -> None:
    _, rest = cut_after(chunk("Hello"), chunk(finish_reason="stop"))
    assert isinstance(rest, Rest)
    assert (rest.is_ended, rest.ending) == (True, sse.DONE)


def test_an_answer_that_has_all_its_tokens_ends_for_its_length() -> None:
    _, rest = cut_after(chunk("Hel"), chunk("lo"), max_tokens=2)
    assert isinstance(rest, Rest)
    [last] = documents(rest.ending)
    assert (last["id"], last["choices"][0]["finish_reason"]) == ("first", "length")


def test_a_completion_goes_on_with_its_prompt_and_the_text_so_far() -> None:
    body = b'{"model":"m","prompt":"Once","stream":true,"max_tokens":5}'
    transcript = Transcript()
    transcript.passed(
        b'data: {"id":"first","object":"text_completion","choices":[{"index":0,"text":" upon"}]}\n\n'
    )
    view = view_of(Endpoint.COMPLETIONS, parser_of(CompletionRequest)(body))
    rest = transcript.rest(body, view)
    assert isinstance(rest, Rest)
    asked = msgspec.json.decode(rest.body)
    assert (asked["prompt"], asked["max_tokens"]) == ("Once upon", 4)


def test_an_answer_that_is_too_long_to_keep_is_not_continued() -> None:
    _, rest = cut_after(chunk("x" * (MAX_BYTES + 1)))
    assert isinstance(rest, str)
    assert "longer than" in rest


@given(st.lists(st.lists(st.text(min_size=1), max_size=4), min_size=1, max_size=4))
def test_however_often_it_is_cut_the_client_reads_one_text(stretches: list[list[str]]) -> None:
    body = msgspec.json.encode(ASKED)
    view: RequestView = view_of(Endpoint.CHAT, parse_chat(body))
    transcript, shown = Transcript(), b""
    for number, texts in enumerate(stretches):
        id_ = "first" if number == 0 else f"n{number}"
        for text in texts:
            shown += transcript.passed(chunk(text, id_=id_, delta={"role": "assistant"}))
        rest = transcript.rest(body, view)
        assert isinstance(rest, Rest)
        whole = "".join(text for before in stretches[: number + 1] for text in before)
        if whole:
            assert msgspec.json.decode(rest.body)["messages"][-1]["content"] == whole
    seen = documents(shown)
    assert "".join(each["choices"][0]["delta"]["content"] for each in seen) == "".join(
        itertools.chain(*stretches)
    )
    assert len({each["id"] for each in seen}) <= 1


def test_a_long_answer_is_kept_whole_in_little_memory() -> None:
    words = [f"word{number} " for number in range(3000)]
    transcript, rest = cut_after(*map(chunk, words))
    assert isinstance(rest, Rest)
    assert msgspec.json.decode(rest.body)["messages"][-1]["content"] == "".join(words)
    kept_bytes = sum(map(len, [*transcript._packed, *transcript._events]))
    assert kept_bytes < 3000 * len(chunk("word1000 ")) / 8
