"""What llama.cpp sends (bytes as xllamacpp 2026.10 sent them) and what clients get."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from polychat.engines.base import RequestView, Shaped
from polychat.engines.dialects import dialect_of
from polychat.schema.completions import CompletionRequest
from polychat.schema.validation import parse_chat, parse_completion
from polychat.types import Endpoint

CHAT = RequestView(Endpoint.CHAT, "mini", stream=True, include_usage=False)
TEXT = RequestView(Endpoint.COMPLETIONS, "mini", stream=True, include_usage=False)
TEXT_WITH_USAGE = RequestView(Endpoint.COMPLETIONS, "mini", stream=True, include_usage=True)
PRIVATE = RequestView(Endpoint.CHAT, "mini", stream=True, include_usage=False, wants_private_fields=True)
OTHER_NAME = RequestView(Endpoint.CHAT, 'org/"Größe"\\mini', stream=True, include_usage=False)

ABOUT = b'"created":1795387373,"id":"chatcmpl-g","model":"mini","system_fingerprint":"b0-unknown",'
KIND = b'"object":"chat.completion.chunk"'
TIMINGS = b'"timings":{"cache_n":0,"prompt_n":21,"prompt_ms":316.555,"predicted_per_second":16.06}'


def request(data: bytes, view: RequestView) -> bytes:
    parse = parse_chat if view.endpoint is Endpoint.CHAT else parse_completion
    return dialect_of("llamacpp")(data, replace(view, request=parse(data))).body


def event(data: bytes, view: RequestView) -> bytes:
    rewrite = dialect_of("llamacpp")(b"{}", view).event
    assert rewrite is not None
    return rewrite(data)


def response(data: bytes, view: RequestView) -> bytes:
    answer = dialect_of("llamacpp")(b"{}", view).response
    assert answer is not None
    sent = answer(data)
    assert isinstance(sent, bytes)
    return sent


def chat(delta: bytes, end: bytes = b"", finish_reason: bytes = b"null") -> bytes:
    choice = b'{"finish_reason":' + finish_reason + b',"index":0,"delta":' + delta + b"}"
    return b'{"choices":[' + choice + b"]," + ABOUT + KIND + end + b"}"


def text(said: bytes, end: bytes = b"", logprobs: bytes = b"null") -> bytes:
    choice = b'{"text":"' + said + b'","index":0,"logprobs":' + logprobs + b',"finish_reason":null}'
    return b'{"choices":[' + choice + b"]," + ABOUT + b'"object":"text_completion"' + end + b"}"


COUNTS = b'"completion_tokens":2,"prompt_tokens":2,"total_tokens":4'
USAGE = b',"usage":{' + COUNTS + b',"prompt_tokens_details":{"cached_tokens":1}}'
LAST_TEXT = text(b"", USAGE + b"," + TIMINGS)
LAST_SENT = json.loads(text(b"")) | {"id": "cmpl-g"}


@pytest.mark.parametrize(
    "body", [b'{"model":"m","prompt":"max_tokens"}', b'{"model":"m","max_tokens": null, "prompt": "a"} \n']
)
def test_a_completion_of_no_given_length_gets_openais_default(body: bytes) -> None:
    assert json.loads(request(body, TEXT))["max_tokens"] == 16


def test_a_completion_of_a_given_length_is_sent_as_it_came() -> None:
    body = b'{"model":"m","prompt":"a","max_tokens" : 1}'
    assert request(body, TEXT) is body


def test_a_chat_of_no_given_length_is_sent_as_it_came() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"a"}]}'
    assert request(body, CHAT) is body


def test_the_id_of_a_completion_says_that_it_is_one() -> None:
    assert b'"id":"cmpl-g"' in event(text(b"a"), TEXT)


def test_the_role_chunk_has_an_empty_text() -> None:
    sent = event(chat(b'{"role":"assistant","content":null}'), CHAT)
    assert sent == chat(b'{"role":"assistant","content":""}')


def test_the_last_chunk_has_an_empty_text_and_no_timings() -> None:
    sent = event(chat(b"{}", b"," + TIMINGS, b'"length"'), CHAT)
    assert sent == chat(b'{"content":""}', finish_reason=b'"length"')


def test_null_text_beside_a_tool_call_becomes_empty() -> None:
    call = b'"tool_calls":[{"index":0,"function":{"arguments":"{"}}]'
    sent = json.loads(event(chat(b'{"content":null,' + call + b"}"), CHAT))
    assert sent["choices"][0]["delta"]["content"] == ""
    assert sent["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] == "{"


def test_a_tool_call_without_text_is_left_alone() -> None:
    data = chat(b'{"tool_calls":[{"index":0,"function":{"arguments":"\\"content\\":null"}}]}')
    assert event(data, CHAT) is data


def test_null_logprobs_of_a_text_are_left_alone() -> None:
    data = chat(b'{"content":"a"},"logprobs":{"content":null}').replace(b'"a"}},', b'"a"},')
    assert event(data, CHAT) is data


def test_timings_stay_for_those_who_asked_for_them() -> None:
    data = chat(b'{"content":"a"}', b"," + TIMINGS)
    assert event(data, PRIVATE) is data


def test_timings_go_also_from_the_middle_of_a_document() -> None:
    sent = event(chat(b'{"content":"a"}', b"," + TIMINGS + b',"x":1'), CHAT)
    assert sent == chat(b'{"content":"a"}', b',"x":1')


def test_the_model_is_called_what_the_client_called_it() -> None:
    sent = event(chat(b'{"content":"a"}'), OTHER_NAME)
    assert json.loads(sent)["model"] == OTHER_NAME.model
    assert event(sent, OTHER_NAME) is sent
    assert json.loads(event(sent, CHAT))["model"] == "mini"


@pytest.mark.parametrize("name", ["", "a\\", '"', "a\\\\", 'x\\"y'])
def test_any_name_is_replaced_whole(name: str) -> None:
    sent = event(_encoded(CHAT, "said", name), CHAT)
    assert sent == _encoded(CHAT, "said", "mini")


def test_usage_nobody_asked_for_is_dropped() -> None:
    assert json.loads(event(LAST_TEXT, TEXT)) == LAST_SENT


def test_usage_asked_for_comes_in_a_chunk_of_its_own() -> None:
    last, usage = map(json.loads, event(LAST_TEXT, TEXT_WITH_USAGE).split(b"\n"))
    assert last == LAST_SENT | {"usage": None}
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 4
    assert usage["id"] == last["id"]


def test_a_usage_chunk_of_a_chat_only_loses_its_timings() -> None:
    data = b'{"choices":[],' + ABOUT + KIND + USAGE
    assert event(data + b"," + TIMINGS + b"}", CHAT) == data + b"}"


def test_the_null_between_two_prompts_is_dropped() -> None:
    assert event(b"null", TEXT) == b""


def test_logprobs_of_completions_take_the_form_of_completions() -> None:
    view = replace(TEXT, request=CompletionRequest(model="m", prompt="a", logprobs=2))
    top = (
        b'[{"id":1,"token":"a","bytes":[97],"logprob":-0.5},{"id":2,"token":"b","bytes":[98],"logprob":-1.5}]'
    )
    token = b'{"id":1,"token":"a","bytes":[97],"logprob":-0.5,"top_logprobs":' + top + b"}"
    sent = json.loads(event(text(b"aa", logprobs=b'{"content":[' + token + b"," + token + b"]}"), view))
    assert sent["choices"][0]["logprobs"] == {
        "tokens": ["a", "a"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"a": -0.5, "b": -1.5}] * 2,
        "text_offset": [0, 1],
    }


def test_a_whole_answer_loses_its_timings_and_keeps_its_usage() -> None:
    stream = b"data: " + LAST_TEXT + b"\n\ndata: [DONE]\n\n"
    sent = json.loads(response(stream, replace(TEXT, stream=False)))
    assert "timings" not in sent
    assert sent["usage"]["total_tokens"] == 4


def test_an_engine_without_a_dialect_speaks_the_published_api() -> None:
    assert dialect_of("echo")(b"{}", CHAT) == Shaped(Endpoint.CHAT, b"{}")


@pytest.mark.parametrize("view", [CHAT, TEXT, PRIVATE])
@given(said=st.text())
def test_an_event_with_nothing_to_change_comes_back_as_the_same_object(view: RequestView, said: str) -> None:
    data = _encoded(view, said, "mini")
    assert event(data, view) is data


@given(said=st.text(), name=st.text(min_size=1), timings=st.booleans(), usage=st.booleans())
@pytest.mark.parametrize("view", [CHAT, TEXT, TEXT_WITH_USAGE, OTHER_NAME])
def test_what_the_model_said_never_changes(
    view: RequestView, said: str, name: str, timings: bool, usage: bool
) -> None:
    end = {"usage": {"total_tokens": 4}} if usage else {}
    end |= {"timings": {"prompt_n": 1}} if timings else {}
    sent = event(_encoded(view, said, name, end), view).split(b"\n")
    assert _said(json.loads(sent[0])) == said
    assert all(json.loads(document)["model"] == view.model for document in sent)
    assert not any(b"timings" in document and "timings" not in said for document in sent)


def _encoded(view: RequestView, said: str, name: str, end: dict[str, Any] | None = None) -> bytes:
    content = {"delta": {"content": said}} if view.endpoint is Endpoint.CHAT else {"text": said}
    choice = {"finish_reason": None, "index": 0, **content}
    document = {"choices": [choice], "id": "x", "model": name, "object": "chat.completion.chunk"} | (
        end or {}
    )
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _said(document: dict[str, Any]) -> object:
    choice = document["choices"][0]
    return choice["delta"]["content"] if "delta" in choice else choice["text"]
