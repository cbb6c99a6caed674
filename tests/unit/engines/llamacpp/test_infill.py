"""A completion with a suffix is three calls."""

import json

from polychat.engines.base import RequestView, Shaped
from polychat.engines.dialects import dialect_of
from polychat.schema.validation import parse_completion
from polychat.types import Endpoint

BODY = {"model": "m", "prompt": "a", "suffix": "z", "max_tokens": 3}


def shaped(**fields: object) -> Shaped:
    body = json.dumps(BODY | fields).encode()
    view = RequestView(Endpoint.COMPLETIONS, "m", request=parse_completion(body), adapters=("red", "m"))
    return dialect_of("llamacpp")(body, view)


def next_call(call: Shaped, answer: dict[str, object]) -> Shaped:
    assert call.response is not None
    shaped = call.response(json.dumps(answer).encode())
    assert isinstance(shaped, Shaped)
    return shaped


def test_the_prompt_is_written_by_llamacpp_then_tokenized_then_completed() -> None:
    write = shaped()
    tokenize = next_call(write, {"prompt": "<pre>a<suf>z<mid>"})
    complete = next_call(tokenize, {"tokens": [9, 1, 8, 2, 7]})
    assert [call.path for call in (write, tokenize, complete)] == ["/infill", "/tokenize", "/v1/completions"]
    assert [call.is_side_call for call in (write, tokenize, complete)] == [True, True, False]
    assert json.loads(tokenize.body)["content"] == "<pre>a<suf>z<mid>"
    asked = json.loads(complete.body)
    assert (asked["prompt"], asked["max_tokens"]) == ([[9, 1, 8, 2, 7]], 3)
    assert "suffix" not in asked


def test_the_prompt_is_prefilled_with_the_adapter_that_completes_it() -> None:
    write = shaped()
    complete = next_call(next_call(write, {"prompt": ""}), {"tokens": [1]})
    wanted = [{"id": 1, "scale": 1.0}]
    assert json.loads(write.body)["lora"] == json.loads(complete.body)["lora"] == wanted
