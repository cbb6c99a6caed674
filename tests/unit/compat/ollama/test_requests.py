"""What is taken from Ollama's clients, and in which words the rest is refused."""

import json

import pytest

from polychat.compat.ollama import requests
from polychat.errors import RequestError


def body(**fields: object) -> bytes:
    return json.dumps({"model": "m"} | fields).encode()


def test_an_answer_streams_unless_it_is_told_not_to() -> None:
    assert requests.parse_chat(body()).streams
    assert requests.parse_chat(body(stream=None)).streams
    assert not requests.parse_chat(body(stream=False)).streams


def test_old_clients_may_call_the_model_name() -> None:
    assert requests.parse_named(b'{"name":"old"}').model == "old"
    assert requests.parse_named(b'{"name":"old","model":"new"}').model == "new"


def test_a_request_without_a_model_is_refused() -> None:
    with pytest.raises(RequestError, match=r"^'model' is required\.$"):
        requests.parse_chat(b'{"messages":[]}')


@pytest.mark.parametrize("keep_alive", [0, 0.0, "0", "0s", "0m", "-0s"])
def test_a_model_kept_for_no_time_is_unloaded(keep_alive: object) -> None:
    assert requests.parse_chat(body(keep_alive=keep_alive)).unloads


@pytest.mark.parametrize("keep_alive", [None, -1, 300, "5m", "-1", "1h30m", "10s"])
def test_a_model_kept_for_some_time_is_loaded(keep_alive: object) -> None:
    assert not requests.parse_chat(body(keep_alive=keep_alive)).unloads


@pytest.mark.parametrize("format_", [None, "", "json", {"type": "object"}])
def test_a_format_is_json_or_a_schema(format_: object) -> None:
    requests.parse_chat(body(format=format_))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format": "xml"}, "'format' must be 'json' or a JSON schema"),
        ({"think": "very"}, "'think'"),
        ({"options": {"temperature": 3}}, "'options.temperature': 3"),
        ({"options": {"num_predict": -3}}, "'options.num_predict': -3"),
        ({"options": {"seed": 2**63}}, "'options.seed'"),
        ({"options": {"repeat_last_n": 10**9}}, "'options.repeat_last_n'"),
        ({"options": {"stop": ["a"] * 65}}, "'options.stop'"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
                ]
            },
            "arguments'",
        ),
    ],
)
def test_a_wrong_chat_is_refused_with_the_field_that_is_wrong(fields: dict[str, object], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        requests.parse_chat(body(**fields))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"template": "{{ .Prompt }}"}, "template"),
        ({"context": [1, 2]}, "context"),
        ({"raw": True, "system": "Be kind."}, "system"),
        ({"raw": True, "images": ["iVBORw0KGgo="]}, "images"),
        ({"suffix": "x", "logprobs": True, "top_logprobs": 6}, "top_logprobs"),
    ],
)
def test_what_generate_cannot_do_is_refused_and_not_ignored(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        requests.parse_generate(body(prompt="hi", **fields))
    assert caught.value.param == param


def test_options_about_loading_the_model_are_skipped() -> None:
    options = {"num_ctx": 4096, "num_gpu": "all", "numa": True, "use_mmap": 1, "made_up": []}
    requests.parse_generate(body(options=options))
