"""A dialect sees the model's own name, the client the alias that it asked by."""

import json

from polychat.engines.alias import aliased
from polychat.engines.base import RequestView, Shaped, published
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"\\"model\\":\\"x\\""}]}'
VIEW = RequestView(Endpoint.CHAT, "gpt-4o", request=parse_chat(BODY))


def test_the_engine_is_asked_by_the_models_own_name() -> None:
    shaped = aliased(published, "qwen")(BODY, VIEW)
    assert json.loads(shaped.body) == json.loads(BODY) | {"model": "qwen"}


def test_a_dialect_sees_the_models_own_name_everywhere() -> None:
    seen: list[RequestView] = []

    def dialect(body: bytes, view: RequestView) -> Shaped:
        seen.append(view)
        return published(body, view)

    aliased(dialect, "qwen")(BODY, VIEW)
    (view,) = seen
    assert view.request is not None
    assert (view.model, view.request.model) == ("qwen", "qwen")


def test_answers_and_events_have_the_alias() -> None:
    shaped = aliased(published, "qwen")(BODY, VIEW)
    assert shaped.response is not None
    assert shaped.event is not None
    assert shaped.response(b'{"model":"qwen"}') == b'{"model":"gpt-4o"}'
    assert shaped.event(b'{"id":"1","model":"qwen"}') == b'{"id":"1","model":"gpt-4o"}'
    assert shaped.response(b"ID3 audio") == b"ID3 audio"


def test_what_the_dialect_makes_of_an_answer_has_the_alias_too() -> None:
    last = Shaped(Endpoint.CHAT, b"2", response=lambda data: data.replace(b"1", b"2"))

    def dialect(body: bytes, view: RequestView) -> Shaped:
        return Shaped(Endpoint.TOKENIZE, body, response=lambda data: last, then=lambda: last)

    shaped = aliased(dialect, "qwen")(BODY, VIEW)
    assert shaped.response is not None
    assert shaped.then is not None
    for following in (shaped.response(b"{}"), shaped.then()):
        assert isinstance(following, Shaped)
        assert following.response is not None
        assert following.response(b'{"n":1,"model":"qwen"}') == b'{"n":2,"model":"gpt-4o"}'


def test_a_forms_model_is_the_models_own_name() -> None:
    body = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--b--\r\n'
    view = RequestView(Endpoint.TRANSCRIPTIONS, "gpt-4o", content_type="multipart/form-data; boundary=b")
    assert aliased(published, "whisper")(body, view).body == body.replace(b"gpt-4o", b"whisper")
