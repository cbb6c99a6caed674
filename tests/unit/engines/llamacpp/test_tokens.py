import json

import pytest

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp.dialect import shape
from polychat.errors import RequestError
from polychat.types import Endpoint

CHAT = [{"role": "user", "content": "hi"}]


def tokenized(**fields: object) -> Shaped:
    view = RequestView(Endpoint.TOKENIZE, "m", context_length=2048)
    return shape(json.dumps({"model": "m"} | fields).encode(), view)


def answer(call: Shaped, **said: object) -> dict[str, object]:
    assert call.response is not None
    data = call.response(json.dumps(said).encode())
    assert isinstance(data, bytes)
    document: dict[str, object] = json.loads(data)
    return document


def after(call: Shaped, **said: object) -> Shaped:
    assert call.response is not None
    assert call.is_side_call
    following = call.response(json.dumps(said).encode())
    assert isinstance(following, Shaped)
    return following


def test_a_prompts_tokens_come_with_the_replicas_context_length() -> None:
    call = tokenized(prompt="a b")
    asked = json.loads(call.body)
    assert (call.path, asked["content"], asked["add_special"]) == ("/tokenize", "a b", True)
    assert answer(call, tokens=[{"id": 5, "piece": "a"}, {"id": 7, "piece": " b"}]) == {
        "count": 2,
        "max_model_len": 2048,
        "tokens": [5, 7],
        "token_strs": None,
    }


def test_half_a_character_is_shown_as_such() -> None:
    call = tokenized(prompt="é", return_token_strs=True, add_special_tokens=False)
    assert json.loads(call.body)["add_special"] is False
    said = answer(call, tokens=[{"id": 5, "piece": [195]}, {"id": 6, "piece": [169]}])
    assert said["token_strs"] == ["\N{REPLACEMENT CHARACTER}"] * 2


def test_messages_go_through_the_models_template_first() -> None:
    function = {"name": "f", "description": "", "parameters": {"type": "object"}}
    tool = {"type": "function", "function": function}
    call = tokenized(messages=CHAT, tools=[tool])
    asked = json.loads(call.body)
    assert (call.path, asked["tools"], asked["add_generation_prompt"]) == ("/apply-template", [tool], True)
    then = after(call, prompt="<user>hi")
    assert json.loads(then.body)["content"] == "<user>hi"
    assert answer(then, tokens=[{"id": 1, "piece": "x"}])["tokens"] == [1]


def test_a_message_that_goes_on_is_left_open() -> None:
    call = tokenized(messages=[*CHAT, {"role": "assistant", "content": "I"}], continue_final_message=True)
    assert json.loads(call.body)["add_generation_prompt"] is False


def test_what_could_be_no_chat_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        tokenized(messages=CHAT, continue_final_message=True)
    assert caught.value.param == "continue_final_message"


def test_of_a_chat_with_images_only_the_number_of_tokens_is_known() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "?"}]
    call = tokenized(messages=[{"role": "user", "content": parts}])
    said = answer(call, input_tokens=300)
    assert (said["count"], said["tokens"]) == (300, [])


def test_tokens_are_put_back_into_text() -> None:
    call = shape(b'{"model":"m","tokens":[1]}', RequestView(Endpoint.DETOKENIZE, "m"))
    assert answer(call, content="hi") == {"prompt": "hi"}


def test_llama_cpps_500_for_an_unknown_token_is_a_400() -> None:
    call = shape(b'{"model":"m","tokens":[999]}', RequestView(Endpoint.DETOKENIZE, "m"))
    assert call.refused is not None
    error = call.refused(500, b'{"error":{"message":"vector::_M_range_check: __n (which is 999) >= 99"}}')
    assert error is not None
    assert (error.status, error.param) == (400, "tokens")
    assert call.refused(500, b'{"error":{"message":"out of memory"}}') is None
