"""What a replica is asked: chat, completion and embedding requests of the published API."""

import json

import msgspec
import pytest

from polychat.compat.ollama import asks, requests
from polychat.errors import RequestError
from polychat.schema.validation import parse_chat, parse_completion, parse_embedding

PNG = "iVBORw0KGgoAAAANSUhEUg=="
HI = [{"role": "user", "content": "hi"}]


def chat(**fields: object) -> dict[str, object]:
    """The chat request that /api/chat makes of these fields, which the gateway's own check must take."""
    body = json.dumps({"model": "asked", "messages": HI, "stream": False} | fields).encode()
    asked = asks.chat(requests.parse_chat(body), "m")
    parse_chat(asked)
    return dict(json.loads(asked))


def generate(**fields: object) -> dict[str, object]:
    body = json.dumps({"model": "asked", "prompt": "hi", "stream": False} | fields).encode()
    asked = asks.generate(requests.parse_generate(body), "m")
    parse_chat(asked)
    return dict(json.loads(asked))


def complete(**fields: object) -> dict[str, object]:
    body = json.dumps({"model": "asked", "prompt": "hi", "stream": False, "raw": True} | fields).encode()
    asked = msgspec.json.encode(asks.completion(requests.parse_generate(body), "m"))
    parse_completion(asked)
    return dict(json.loads(asked))


def test_a_plain_chat_asks_for_nothing_else() -> None:
    assert chat() == {"model": "m", "messages": HI}


def test_a_stream_always_asks_for_the_token_counts() -> None:
    asked = chat(stream=None)
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})


def test_options_get_the_names_that_engines_know() -> None:
    options = {
        "temperature": 0.5,
        "top_k": 40,
        "min_p": 0.1,
        "repeat_penalty": 1.1,
        "num_predict": 7,
        "seed": 3,
    }
    asked = chat(options=options | {"stop": ["a", "b"], "num_ctx": 99})
    del asked["model"], asked["messages"]
    assert asked == {
        "temperature": 0.5,
        "top_k": 40,
        "min_p": 0.1,
        "repeat_penalty": 1.1,
        "repetition_penalty": 1.1,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["a", "b"],
    }


@pytest.mark.parametrize("num_predict", [-2, -1, 0])
def test_no_limit_is_no_limit(num_predict: int) -> None:
    assert "max_tokens" not in chat(options={"num_predict": num_predict})


def test_whole_numbers_may_be_written_with_a_point() -> None:
    asked = chat(options={"num_predict": 7.0, "top_k": 40.0, "seed": 3.0, "mirostat": 0.0})
    assert [repr(asked[name]) for name in ("max_tokens", "top_k", "seed", "mirostat")] == [
        "7",
        "40",
        "3",
        "0",
    ]
    assert chat(options={"seed": 2**63 - 1})["seed"] == 2**63 - 1


def test_a_penalty_over_the_whole_context_is_written_as_a_length() -> None:
    assert chat(options={"repeat_last_n": -1})["repeat_last_n"] == 65_536


def test_json_and_schemas_become_response_formats() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert chat(format="json")["response_format"] == {"type": "json_object"}
    assert chat(format=schema)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }
    assert "response_format" not in chat(format="")


def test_thinking_is_turned_on_and_off_in_the_template() -> None:
    assert chat(think=True)["chat_template_kwargs"] == {"enable_thinking": True}
    assert chat(think=False)["chat_template_kwargs"] == {"enable_thinking": False}
    asked = chat(think="low")
    assert (asked["chat_template_kwargs"], asked["reasoning_effort"]) == ({"enable_thinking": True}, "low")


def test_alternatives_are_asked_for_only_with_logprobs() -> None:
    assert "top_logprobs" not in chat(top_logprobs=3)
    asked = chat(logprobs=True, top_logprobs=3)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 3)


def test_tools_are_passed_on_and_are_functions_if_they_do_not_say() -> None:
    function = {"name": "add", "parameters": {"type": "object"}, "extra": 1}
    assert chat(tools=[{"function": function}])["tools"] == [{"type": "function", "function": function}]


def test_results_of_tools_find_their_calls_without_ids() -> None:
    calls = [{"function": {"name": name, "arguments": {"x": 1}}} for name in ("add", "sub", "add")]
    results = [{"role": "tool", "tool_name": name, "content": name} for name in ("sub", "add", "add")]
    messages = chat(messages=[*HI, {"role": "assistant", "content": "", "tool_calls": calls}, *results])[
        "messages"
    ]
    assert isinstance(messages, list)
    assert [(call["id"], call["function"]["arguments"]) for call in messages[1]["tool_calls"]] == [
        ("call_1", '{"x":1}'),
        ("call_2", '{"x":1}'),
        ("call_3", '{"x":1}'),
    ]
    assert [message["tool_call_id"] for message in messages[2:]] == ["call_2", "call_1", "call_3"]


def test_results_of_tools_find_their_calls_by_id_or_in_order() -> None:
    calls = [{"id": id_, "function": {"name": "add"}} for id_ in ("a", "b")]
    results = [{"role": "tool", "tool_call_id": "b", "content": ""}, {"role": "tool", "content": ""}]
    messages = chat(messages=[*HI, {"role": "assistant", "tool_calls": calls}, *results])["messages"]
    assert isinstance(messages, list)
    assert [message["tool_call_id"] for message in messages[2:]] == ["b", "a"]


def test_images_become_parts_with_their_kind() -> None:
    asked = chat(messages=[{"role": "user", "content": "What?", "images": [PNG, "/9j/4AAQ"]}])["messages"]
    assert isinstance(asked, list)
    assert asked[0]["content"] == [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQ"}},
    ]


def test_an_image_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(RequestError, match=r"^'messages\[0\].images\[1\]' must be a PNG"):
        chat(messages=[{"role": "user", "content": "", "images": [PNG, "/etc/passwd"]}])


def test_what_the_model_thought_before_is_told_again() -> None:
    said = {"role": "assistant", "content": "4", "thinking": "2 and 2"}
    messages = chat(messages=[*HI, said])["messages"]
    assert isinstance(messages, list)
    assert messages[1] == {"role": "assistant", "content": "4", "reasoning_content": "2 and 2"}


def test_generate_is_a_chat_of_one_turn() -> None:
    asked = generate(system="Be brief.", images=[PNG])
    assert isinstance(asked["messages"], list)
    assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in asked["messages"][1]["content"]] == ["text", "image_url"]


def test_a_raw_prompt_goes_to_the_model_as_it_is_and_without_a_limit() -> None:
    assert complete(prompt="<s>") == {"model": "m", "prompt": "<s>", "max_tokens": None, "n_predict": -1}
    assert complete(options={"num_predict": 3})["max_tokens"] == 3


def test_a_suffix_is_filled_in_before() -> None:
    assert complete(raw=False, suffix="end")["suffix"] == "end"


def test_a_raw_prompt_may_ask_for_json_and_logprobs() -> None:
    asked = complete(format="json", logprobs=True, top_logprobs=2)
    assert (asked["json_schema"], asked["logprobs"]) == ({"type": "object"}, 2)
    assert asked["response_format"] == {"type": "json_object"}


def test_embeddings_are_asked_for_as_numbers() -> None:
    request = requests.parse_embed(b'{"model":"asked","input":["a","b"],"dimensions":8,"truncate":false}')
    asked = asks.embeddings(request, "m")
    parse_embedding(asked)
    assert json.loads(asked) == {
        "model": "m",
        "input": ["a", "b"],
        "encoding_format": "float",
        "dimensions": 8,
    }
