import json

import pytest

from polychat import sse
from polychat.engines.base import RequestView
from polychat.gateway.answers import Usage
from polychat.gateway.counting import Counting, asking, noted, usage_at_end, without_counts
from polychat.gateway.journey import Journey, Outcome
from polychat.gateway.routes.inference import view_of
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

SAID = b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
SAID_NULL = b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}\n\n'
COUNTS = b'data: {"id":"a","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n'
URL = "http://replica"


def _body(**fields: object) -> bytes:
    return json.dumps(
        {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}], **fields}
    ).encode()


def _view(**fields: object) -> RequestView:
    return view_of(Endpoint.CHAT, parse_chat(_body(**fields)))


def _asked(body: bytes) -> object:
    return json.loads(asking(body, parse_chat(body)))["stream_options"]


def test_a_stream_is_asked_for_counts_that_its_client_does_not_want() -> None:
    assert Counting().must_ask(URL, _view())
    assert Counting().must_ask(URL, _view(stream_options={"include_usage": False}))
    assert not Counting().must_ask(URL, _view(stream_options={"include_usage": True}))
    assert not Counting().must_ask(URL, _view(stream=False))


@pytest.mark.parametrize("options", [{}, {"stream_options": None}, {"stream_options": {}}])
def test_the_wish_is_the_only_one_there(options: dict[str, object]) -> None:
    assert _asked(_body(**options)) == {"include_usage": True}


def test_other_options_of_the_client_stay() -> None:
    options = {"include_usage": False, "include_obfuscation": False, "their": [1]}
    assert _asked(_body(stream_options=options)) == options | {"include_usage": True}


def test_no_key_is_sent_twice() -> None:
    body = _body(stream_options={"include_usage": False})
    assert asking(body, parse_chat(body)).count(b'"stream_options"') == 1


def test_the_body_is_else_as_it_was() -> None:
    body = _body(their_own={"b": 1, "a": 2}) + b" \n"
    assert asking(body, parse_chat(body)).startswith(body.rstrip()[:-1])


def test_a_server_that_refuses_to_be_asked_is_not_asked_again() -> None:
    counting = Counting()
    assert counting.is_refused(URL, 422, b"unknown field stream_options")
    assert not counting.must_ask(URL, _view())
    assert counting.must_ask("http://another", _view())


def test_another_refusal_has_nothing_to_do_with_it() -> None:
    counting = Counting()
    assert not counting.is_refused(URL, 400, b"temperature is too high")
    assert not counting.is_refused(URL, 500, b"stream_options")
    assert counting.must_ask(URL, _view())


def test_counts_are_taken_out_of_a_stream() -> None:
    assert without_counts(SAID_NULL + COUNTS + sse.DONE) == SAID + sse.DONE


def test_what_has_no_counts_stays_the_same_object() -> None:
    events = SAID + SAID
    assert without_counts(events) is events


def test_counts_beside_a_choice_are_taken_out_of_its_event() -> None:
    event = b'data: {"choices":[{"index":0}], "usage": {"prompt_tokens":1}, "x":[1.50]}\n\n'
    assert without_counts(event) == b'data: {"choices":[{"index":0}],"x":[1.50]}\n\n'
    assert without_counts(b'data: {"choices": [], "usage" : null}\n\n') == b'data: {"choices":[]}\n\n'


def test_what_a_model_says_of_usage_is_left_alone() -> None:
    event = sse.encode(json.dumps({"choices": [{"delta": {"content": ',"usage":null "usage": {'}}]}).encode())
    assert without_counts(event) is event
    inner = sse.encode(b'{"choices":[{"delta":{"usage":{"a":1}}}]}')
    assert without_counts(inner) == inner


def test_the_counts_of_a_stream_are_noted_and_hidden_from_who_did_not_ask() -> None:
    journey = Journey("r", hides_usage=True)
    shown = b"".join([noted(journey, events) for events in (SAID_NULL, SAID_NULL + COUNTS, sse.DONE)])
    assert (journey.usage, journey.events) == (Usage(3, 5), 4)
    assert shown == SAID + SAID + sse.DONE


def test_who_asked_for_the_counts_sees_them_as_they_came() -> None:
    journey, events = Journey("r"), SAID_NULL + COUNTS
    assert noted(journey, events) is events
    assert journey.usage == Usage(3, 5)


def _sent(**facts: object) -> Journey:
    journey = Journey("r")
    journey.sent_s = 1.0
    for name, value in facts.items():
        setattr(journey, name, value)
    return journey


def test_what_the_engine_told_is_no_estimate() -> None:
    journey = _sent(usage=Usage(3, 5, 1), events=9)
    assert usage_at_end(journey, _view(), Outcome.CANCELLED, size_bytes=400) == Usage(3, 5, 1)


def test_a_stream_that_was_cut_off_is_estimated() -> None:
    for outcome in (Outcome.CANCELLED, Outcome.FAILED, Outcome.ANSWERED):
        used = usage_at_end(_sent(events=7), _view(), outcome, size_bytes=400)
        assert used == Usage(100, 7, is_estimate=True)


def test_an_image_counts_for_no_text() -> None:
    parts = [
        {"type": "text", "text": "x" * 40},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    view = _view(messages=[{"role": "user", "content": parts}])
    assert usage_at_end(_sent(events=1), view, Outcome.CANCELLED, size_bytes=10**6) == Usage(
        10, 1, is_estimate=True
    )


def test_what_never_reached_an_engine_has_used_nothing() -> None:
    assert usage_at_end(Journey("r"), _view(), Outcome.CANCELLED, size_bytes=400) is None
    assert usage_at_end(_sent(), _view(), Outcome.REFUSED, size_bytes=400) is None
