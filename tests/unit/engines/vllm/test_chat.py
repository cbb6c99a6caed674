"""Chats and completions: what vLLM is asked, and its recorded answers as the published API has them."""

from typing import Any

import msgspec
import pytest

from polychat.engines.base import RequestView, Shaped
from polychat.engines.vllm.dialect import shape
from polychat.schema.completions import CompletionRequest
from polychat.schema.validation import parse_chat, parser_of
from polychat.types import Endpoint

Fields = dict[str, Any]  # Any: decoded JSON
HELLO = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "then", "parameters": {"type": "object"}}}
WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"model","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Hello","refusal":null,"annotations":null,"audio":null,"function_call":null,'
    b'"reasoning":null},"logprobs":null,"finish_reason":"stop","stop_reason":"\\n","token_ids":null,'
    b'"routed_experts":null}],"service_tier":null,"system_fingerprint":"vllm-0.32.0-b383f279","usage":'
    b'{"prompt_tokens":9,"total_tokens":13,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0,'
    b'"created_cache_tokens":0,"multimodal_tokens":null},"completion_tokens_details":null},"prompt_logprobs":null,'
    b'"prompt_token_ids":null,"prompt_text":null,"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}'
)
PUBLISHED = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"model","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Hello","refusal":null,"annotations":[]},"logprobs":null,'
    b'"finish_reason":"stop"}],"service_tier":null,"system_fingerprint":"vllm-0.32.0-b383f279","usage":'
    b'{"prompt_tokens":9,"total_tokens":13,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0}}}'
)
CHUNK = (
    b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"model","choices":[{"index":0,'
    b'"delta":{"content":"Hello!"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}'
)
FIRST = (
    b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"model","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],'
    b'"prompt_token_ids":null,"prompt_text":null}'
)


def chat(
    *, stream: bool = False, wants_private_fields: bool = False, usage: bool = False, **fields: object
) -> Shaped:
    body = msgspec.json.encode({"model": "model", "messages": HELLO, **fields})
    view = RequestView(
        Endpoint.CHAT,
        "model",
        stream=stream,
        include_usage=usage,
        wants_private_fields=wants_private_fields,
        request=parse_chat(body),
    )
    return shape(body, view)


def asked(call: Shaped) -> Fields:
    fields: Fields = msgspec.json.decode(call.body)
    return fields


def answered(call: Shaped, data: bytes) -> bytes:
    assert call.response is not None
    answer = call.response(data)
    assert isinstance(answer, bytes)
    return answer


def test_a_plain_chat_goes_on_as_it_came() -> None:
    assert asked(chat(temperature=0)) == {"model": "model", "messages": HELLO, "temperature": 0}


def test_an_answer_has_the_published_fields_only() -> None:
    assert answered(chat(), WHOLE) == PUBLISHED


def test_who_asks_for_private_fields_gets_them() -> None:
    assert b'"stop_reason":"\\n"' in answered(chat(wants_private_fields=True), WHOLE)


def test_what_the_model_says_is_no_field() -> None:
    said = WHOLE.replace(b'"Hello"', b'"x,\\"metrics\\":null"')

    assert b'"x,\\"metrics\\":null"' in answered(chat(), said)


def test_thoughts_have_their_published_name() -> None:
    thought = WHOLE.replace(b'"reasoning":null', b'"reasoning":"Hm."')

    assert b'"reasoning_content":"Hm."' in answered(chat(), thought)


def test_chunks_lose_private_fields_and_say_that_usage_comes_later() -> None:
    event = chat(stream=True, usage=True).event
    assert event is not None

    assert event(CHUNK).endswith(b'"logprobs":null,"finish_reason":"length"}],"usage":null}')
    assert event(FIRST).endswith(b'"finish_reason":null}],"usage":null}')


@pytest.mark.parametrize("fields", [{"n": 2, "temperature": 0}, {"top_p": 0}, {"top_p": 0, "temperature": 0}])
def test_the_likeliest_token_is_asked_for_in_a_way_that_it_takes(fields: Fields) -> None:
    told = asked(chat(**fields))

    assert (told["temperature"], told["top_p"], told["top_k"]) == (1, 1, 1)


def test_a_demanded_call_is_held_to_a_schema() -> None:
    told = asked(chat(tools=[TOOL, OTHER], tool_choice={"type": "function", "function": {"name": "now"}}))

    assert [tool["function"]["name"] for tool in told["tools"]] == ["now"]
    assert told["tool_choice"] == "none"
    assert told["response_format"]["type"] == "structural_tag"
    assert told["response_format"]["format"]["max_whitespace_cnt"] == 2


def test_the_text_of_a_demanded_call_becomes_the_call() -> None:
    text = msgspec.json.encode('{"name": "now", "arguments": {"zone": "UTC"}}')
    call = chat(tools=[TOOL], tool_choice="required")

    (choice,) = msgspec.json.decode(answered(call, WHOLE.replace(b'"Hello"', text)))["choices"]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (made,) = choice["message"]["tool_calls"]
    assert made["function"] == {"name": "now", "arguments": '{"zone": "UTC"}'}
    assert "index" not in made


def test_a_demanded_call_is_streamed_as_it_comes() -> None:
    event = chat(stream=True, tools=[TOOL], tool_choice="required").event
    assert event is not None
    texts = ['{"name": "now", ', '"arguments": {"zo', 'ne": "UTC"}', "}"]
    chunks = [
        CHUNK.replace(b'"length"', b"null").replace(b'"Hello!"', msgspec.json.encode(text)) for text in texts
    ]

    sent = [event(FIRST), *map(event, chunks), event(CHUNK.replace(b'"length"', b'"stop"'))]

    deltas = [msgspec.json.decode(data)["choices"][0]["delta"] for data in sent if data]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [call["index"] for call in calls] == [0, 0]
    assert "".join(call["function"]["arguments"] for call in calls) == '{"zone": "UTC"}'
    assert msgspec.json.decode(sent[-1])["choices"][0]["finish_reason"] == "tool_calls"


def test_tools_that_must_not_be_called_are_not_shown() -> None:
    assert asked(chat(tools=[TOOL], tool_choice="none"))["tools"] is None


def test_completions_are_set_right_the_same_way() -> None:
    body = msgspec.json.encode({"model": "model", "prompt": "hi", "n": 2, "temperature": 0})
    request = parser_of(CompletionRequest)(body)

    call = shape(body, RequestView(Endpoint.COMPLETIONS, "model", request=request))

    assert asked(call)["top_k"] == 1
    assert b'"metrics"' not in answered(call, WHOLE)


def test_the_best_of_several_is_chosen_by_likelihood() -> None:
    body = msgspec.json.encode({"model": "model", "prompt": "hi", "best_of": 2})
    choice = {"text": "", "finish_reason": "stop"}
    made = [
        {**choice, "index": 0, "text": "unlikely", "logprobs": {"token_logprobs": [-3.0, -1.0]}},
        {**choice, "index": 1, "text": "likely", "logprobs": {"token_logprobs": [-1.0, None]}},
    ]

    call = shape(body, RequestView(Endpoint.COMPLETIONS, "m", request=parser_of(CompletionRequest)(body)))
    (kept,) = msgspec.json.decode(answered(call, msgspec.json.encode({"choices": made})))["choices"]

    assert (asked(call)["n"], asked(call)["logprobs"]) == (2, 0)
    assert (kept["text"], kept["index"], kept["logprobs"]) == ("likely", 0, None)
