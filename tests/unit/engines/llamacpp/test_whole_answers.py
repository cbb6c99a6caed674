"""What llama.cpp is asked for when a client wants a whole answer."""

import json

import pytest

from polychat.engines.base import RequestView
from polychat.engines.llamacpp.dialect import shape
from polychat.schema.validation import parse_chat, parse_completion
from polychat.types import Endpoint

CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
TEXT = json.dumps({"model": "m", "prompt": "Hi"}).encode()
VIEWS = [
    (CHAT, RequestView(Endpoint.CHAT, "m", request=parse_chat(CHAT))),
    (TEXT, RequestView(Endpoint.COMPLETIONS, "m", request=parse_completion(TEXT))),
]


@pytest.mark.parametrize(("body", "view"), VIEWS, ids=["chat", "completion"])
def test_a_stream_since_it_does_not_notice_that_who_waits_for_a_whole_one_has_left(
    body: bytes, view: RequestView
) -> None:
    told = json.loads(shape(body, view).body)
    assert (told["stream"], told["stream_options"]) == (True, {"include_usage": True})
