import json

import pytest

from polychat.errors import RequestError
from polychat.gateway.routes.tokenize import parse_detokenize, parse_tokenize
from polychat.schema.tokenize import TokenizeRequest
from polychat.types import Feature

CHAT = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "f"}}


def tokenize(**fields: object) -> TokenizeRequest:
    return parse_tokenize(json.dumps({"model": "m"} | fields).encode())


@pytest.mark.parametrize("fields", [{}, {"prompt": "a", "messages": CHAT}])
def test_it_takes_a_prompt_or_messages_and_not_both(fields: dict[str, object]) -> None:
    with pytest.raises(RequestError, match="'prompt' or 'messages' is required, one of them") as caught:
        tokenize(**fields)
    assert caught.value.param == "prompt"


def test_special_tokens_are_added_to_prompts_but_not_to_what_a_template_wrote() -> None:
    assert tokenize(prompt="").adds_special_tokens
    assert not tokenize(messages=CHAT).adds_special_tokens
    assert tokenize(messages=CHAT, add_special_tokens=True).adds_special_tokens
    assert not tokenize(prompt="", add_special_tokens=False).adds_special_tokens


def test_the_assistants_turn_is_opened_unless_the_last_message_goes_on() -> None:
    assert tokenize(messages=CHAT).adds_generation_prompt
    assert not tokenize(messages=CHAT, add_generation_prompt=False).adds_generation_prompt
    assert not tokenize(messages=CHAT, continue_final_message=True).adds_generation_prompt
    with pytest.raises(RequestError, match="'add_generation_prompt' must be false"):
        tokenize(messages=CHAT, continue_final_message=True, add_generation_prompt=True)


def test_it_needs_what_the_chat_would_need() -> None:
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    assert tokenize(messages=CHAT).needs == frozenset()
    assert tokenize(messages=CHAT, tools=[TOOL]).needs == {Feature.TOOLS}
    assert tokenize(messages=image).needs == {Feature.VISION}


@pytest.mark.parametrize("tokens", [[-1], ["a"], [1.5], [2**31], None])
def test_only_token_ids_are_put_into_text(tokens: object) -> None:
    with pytest.raises(RequestError, match="'tokens"):
        parse_detokenize(json.dumps({"model": "m", "tokens": tokens}).encode())


def test_no_tokens_are_an_empty_text() -> None:
    assert parse_detokenize(b'{"model":"m","tokens":[]}').tokens == []
