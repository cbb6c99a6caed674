"""What a client calls a model and what its server calls it are kept apart, byte by byte."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.base import RequestView, Shaped, published
from polychat.engines.dialects import dialect_of
from polychat.engines.model_name import asking_for, form_asking_for, named, renaming
from polychat.types import Endpoint

VIEW = RequestView(Endpoint.CHAT, "fast", upstream_model="vendor/fast-1")
JSON = st.recursive(
    st.none() | st.integers() | st.text() | st.just("model"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("model"), inner),
    max_leaves=8,
)


def shaped(body: bytes, view: RequestView = VIEW, engine: str = "openai") -> Shaped:
    return dialect_of(engine)(body, view)


@given(st.dictionaries(st.text(), JSON), st.text(min_size=1), st.booleans(), st.booleans())
def test_only_the_outermost_model_of_a_request_changes(
    fields: dict[str, object], model: str, is_spaced: bool, is_ascii: bool
) -> None:
    separators = (", ", ": ") if is_spaced else (",", ":")
    request = {**fields, "model": "fast"}
    body = json.dumps(request, separators=separators, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    assert json.loads(asking_for(body, model)) == {**request, "model": model}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"fast","tools":[{"parameters":{"properties":{"model":{"type":"string"}}}}]}',
        b'{"metadata":{"model":"mine"}, "model" : "fast"}',
        b'{"messages":[{"role":"model","content":"\\"model\\":\\"x\\""}],"model":"fa\\"st"}',
    ],
)
def test_what_only_looks_like_the_requests_model_stays(body: bytes) -> None:
    assert json.loads(asking_for(body, "new")) == {**json.loads(body), "model": "new"}


def test_a_request_that_names_no_model_is_left_alone() -> None:
    assert asking_for(b'{"content":"a"}', "new") == b'{"content":"a"}'


def test_the_model_of_a_form_changes_and_its_file_does_not() -> None:
    file = b'--b\r\ncontent-disposition: form-data; name="file"; filename="model"\r\n\r\nname="model"\r\n'
    body = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nfast\r\n' + file + b"--b--\r\n"
    assert form_asking_for(body, "new") == body.replace(b"\r\nfast\r\n", b"\r\nnew\r\n")


@pytest.mark.parametrize("answer", [b'{"id":"1","model":"v/f \\" 1","choices":[]}', b'{"model": "v"}'])
def test_an_answer_has_the_clients_name(answer: bytes) -> None:
    assert msgspec.json.decode(named(answer, "fast")) == {**json.loads(answer), "model": "fast"}


def test_an_answer_that_has_the_name_already_is_not_copied() -> None:
    answer = b'{"model":"fast"}'
    assert named(answer, "fast") is answer


def test_requests_and_answers_are_renamed_where_the_server_has_a_name_of_its_own() -> None:
    call = shaped(b'{"model":"fast"}')
    assert call.body == b'{"model":"vendor/fast-1"}'
    assert call.response is not None
    assert call.event is not None
    assert call.response(b'{"model":"vendor/fast-1"}') == b'{"model":"fast"}'
    assert call.event(b'{"model":"vendor/fast-1"}') == b'{"model":"fast"}'


def test_a_plain_text_answer_is_what_was_said() -> None:
    response = shaped(b"{}").response
    assert response is not None
    assert response(b'they said "model":"x"') == b'they said "model":"x"'


def test_adapters_and_engines_of_ours_are_asked_by_the_clients_name() -> None:
    body = b'{"model":"fast"}'
    assert shaped(body, RequestView(Endpoint.CHAT, "fast")) == Shaped(Endpoint.CHAT, body)
    adapter = RequestView(Endpoint.CHAT, "fast", upstream_model="base", adapters=("fast",))
    assert shaped(body, adapter) == Shaped(Endpoint.CHAT, body)


def test_the_servers_name_goes_before_one_that_its_engine_has_for_every_model() -> None:
    def by_one_name(body: bytes, view: RequestView) -> Shaped:
        return published(b'{"model":"always"}', view)

    view = RequestView(Endpoint.CHAT, "m", upstream_model="m")
    assert renaming(by_one_name)(b'{"model":"m"}', view).body == b'{"model":"m"}'


def test_a_request_with_the_right_name_is_sent_as_it_came() -> None:
    body = b'{"model":"m"}'
    assert shaped(body, RequestView(Endpoint.CHAT, "m", upstream_model="m")).body is body


def test_each_call_of_a_request_is_renamed() -> None:
    def second(data: bytes) -> Shaped:
        return published(b'{"model":"fast"}', VIEW)

    def asks_twice(body: bytes, view: RequestView) -> Shaped:
        return Shaped("/tokenize", b'{"text":"x"}', second, then=lambda: second(b""), is_side_call=True)

    first = renaming(asks_twice)(b'{"model":"fast"}', VIEW)
    assert first.response is not None
    assert first.then is not None
    calls = [first.response(b"{}"), first.then()]
    assert [call.body for call in calls if isinstance(call, Shaped)] == [b'{"model":"vendor/fast-1"}'] * 2
