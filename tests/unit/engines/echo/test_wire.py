import json
from typing import Any

import pytest

from polychat import sse
from polychat.engines.echo.answers import Reader
from polychat.engines.echo.faces import ChatFace, TextFace
from polychat.engines.echo.tokens import Vocabulary
from polychat.engines.echo.wire import Wanted, Wire

CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


def chat(text: str, wanted: Wanted | None = None, **fields: object) -> Wire:
    request = {"messages": [{"role": "user", "content": text}], **fields}
    return Wire(ChatFace(request), "m", [Reader(Vocabulary()).chat(request)], wanted or Wanted())


def completion(prompt: str, wanted: Wanted | None = None, **fields: object) -> Wire:
    request = {"prompt": prompt, **fields}
    return Wire(TextFace(request), "m", Reader(Vocabulary()).completions(request), wanted or Wanted())


def whole(wire: Wire) -> Any:
    return json.loads(wire.whole())


def chunks(wire: Wire) -> list[Any]:
    raw = wire.opening() + b"".join(wire.step(step) for step in range(wire.num_steps)) + wire.closing()
    documents = [sse.data_of(event) for event in sse.EventSplitter().feed(raw)]
    assert documents.pop() == b"[DONE]"
    return [json.loads(document or b"") for document in documents]


def test_usage_is_null_until_the_end_when_it_is_asked_for() -> None:
    *before, last = chunks(chat("a b", Wanted(include_usage=True)))
    assert [chunk["usage"] for chunk in before] == [None] * len(before)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 2)
    assert not any("usage" in chunk for chunk in chunks(chat("a b")))


def test_the_prompt_is_counted_once_and_each_answer_made_counts() -> None:
    usage = whole(completion("a b c", Wanted(n=2, best_of=4)))["usage"]
    assert usage == {"prompt_tokens": 3, "completion_tokens": 12, "total_tokens": 15}


def test_the_stop_string_is_named_to_those_who_ask() -> None:
    asked = Wanted(stop_reason=True)
    for wanted, told in ((asked, " b"), (Wanted(), "absent")):
        choices = [whole(chat("a b", wanted, stop=["c", " b"])), chunks(chat("a b", wanted, stop=[" b"]))[-1]]
        assert [each["choices"][0].get("stop_reason", "absent") for each in choices] == [told, told]


def test_reasoning_comes_first_and_is_counted() -> None:
    answer = whole(chat("think: so be it\nfour"))
    assert answer["choices"][0]["message"]["reasoning_content"] == "so be it"
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}
    said = [chunk["choices"][0]["delta"] for chunk in chunks(chat("think: so be it\nfour"))]
    assert [delta["reasoning_content"] for delta in said[1:4]] == ["so", " be", " it"]
    assert said[4] == {"content": "four"}


def test_a_calls_arguments_come_in_pieces_that_make_the_whole() -> None:
    text = 'call clock {"zone": "UTC", "exact": true}'
    message = whole(chat(text, tools=[CLOCK]))["choices"][0]["message"]
    pieces = [
        call
        for chunk in chunks(chat(text, tools=[CLOCK]))
        for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert message["content"] is None
    assert pieces[0]["function"] == {"name": "clock", "arguments": ""}
    assert pieces[0]["id"].startswith("call_")
    assert len(pieces) > 2
    joined = "".join(piece["function"]["arguments"] for piece in pieces)
    assert joined == message["tool_calls"][0]["function"]["arguments"] == text[11:]


def test_log_probabilities_are_the_same_streamed_and_spell_the_text() -> None:
    entries = whole(chat("one two", logprobs=True, top_logprobs=3))["choices"][0]["logprobs"]["content"]
    streamed = [
        entry
        for chunk in chunks(chat("one two", logprobs=True, top_logprobs=3))
        for entry in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]
    ]
    assert entries == streamed
    assert "".join(entry["token"] for entry in entries) == "one two"
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 3 for entry in entries)
    assert all(entry["top_logprobs"][0]["token"] == entry["token"] for entry in entries)


@pytest.mark.parametrize("echo", [False, True])
def test_a_completions_log_probabilities_have_offsets_into_its_text(echo: bool) -> None:
    choice = whole(completion("one two", logprobs=2, echo=echo))["choices"][0]
    chances = choice["logprobs"]
    assert choice["text"] == ("one two" * 2 if echo else "one two")
    for token, offset in zip(chances["tokens"], chances["text_offset"], strict=True):
        assert choice["text"][offset:].startswith(token)
    assert (chances["token_logprobs"][0] is None) == (chances["top_logprobs"][0] is None) == echo


@pytest.mark.parametrize(("echo", "max_tokens"), [(False, 9), (True, 9), (True, 0)])
def test_a_streamed_completion_is_the_whole_one(echo: bool, max_tokens: int) -> None:
    wire = completion("one two", logprobs=1, echo=echo, max_tokens=max_tokens)
    choice = whole(wire)["choices"][0]
    parts = [chunk["choices"][0] for chunk in chunks(wire)]
    assert "".join(part["text"] for part in parts) == choice["text"]
    for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
        told = [value for part in parts if part["logprobs"] for value in part["logprobs"][name]]
        assert told == choice["logprobs"][name]
    assert parts[-1]["finish_reason"] == choice["finish_reason"]
