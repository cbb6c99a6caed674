"""What llama.cpp repeats of the message that it goes on with."""

import json

from polychat.engines.base import RequestView
from polychat.engines.llamacpp.dialect import shape
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

USER = {"role": "user", "content": "Hi"}


def answered(content: str | None, begun: object, **fields: object) -> object:
    """The content that a client gets of llama.cpp's."""
    messages = [USER, {"role": "assistant", "content": begun}]
    body = json.dumps({"model": "m", "messages": messages} | fields).encode()
    call = shape(body, RequestView(Endpoint.CHAT, "m", request=parse_chat(body)))
    message = {"role": "assistant", "content": content}
    assert call.response is not None
    answer = call.response(json.dumps({"choices": [{"index": 0, "message": message}], "model": "m"}).encode())
    assert isinstance(answer, bytes)
    return json.loads(answer)["choices"][0]["message"]["content"]


def test_an_answer_that_goes_on_has_only_what_is_new() -> None:
    assert answered("One two three", "One two", continue_final_message=True) == " three"
    parts = [{"type": "text", "text": "One"}, {"type": "text", "text": " two"}]
    assert answered("One two three", parts, continue_final_message=True) == " three"


def test_what_is_not_repeated_is_not_taken_away() -> None:
    assert answered(" three", "One two", continue_final_message=True) == " three"
    assert answered("One two three", "One two") == "One two three"
    assert answered(None, "One two", continue_final_message=True) is None
