import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.errors import ContextLengthExceeded, PlatformError, ReplicaUnavailable
from polychat.gateway.answers import Usage, error_of, usage_of
from polychat.types import Endpoint


def chat_error(status: int, document: object) -> PlatformError:
    return error_of(status, json.dumps(document).encode(), Endpoint.CHAT)


def test_llama_cpps_context_overflow_becomes_openais_with_the_numbers() -> None:
    facts = {
        "code": 400,
        "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 9000,
        "n_ctx": 2048,
    }
    error = chat_error(400, {"error": facts})
    assert isinstance(error, ContextLengthExceeded)
    assert (error.status, error.code, error.param) == (400, "context_length_exceeded", "messages")
    assert "9000" in str(error)
    assert "2048" in str(error)


def test_in_completions_it_is_the_prompt_that_is_too_long() -> None:
    facts = {"type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 8}
    assert error_of(400, json.dumps(facts).encode(), Endpoint.COMPLETIONS).param == "prompt"
    assert error_of(400, json.dumps(facts).encode(), Endpoint.EMBEDDINGS).param == "input"


def test_vllms_context_overflow_gets_openais_code() -> None:
    message = "This model's maximum context length is 2048 tokens. However, you requested 9000 tokens"
    assert chat_error(400, {"error": {"message": message, "code": 400}}).code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "bad grammar", "code": 400, "type": "x"}}, "bad grammar"),
        ({"error": "bad grammar"}, "bad grammar"),
        ({"object": "error", "message": "bad grammar"}, "bad grammar"),
        ({"detail": "bad grammar"}, "bad grammar"),
        ({"detail": [{"loc": ["n"], "msg": "bad"}]}, '[{"loc": ["n"], "msg": "bad"}]'),
        ({}, "the engine answered with status 400"),
        (None, "None"),
    ],
)
def test_a_refusal_in_any_shape_keeps_its_reason(body: object, message: str) -> None:
    error = chat_error(400, body)
    assert (error.status, error.type, str(error)) == (400, "invalid_request_error", message)


def test_plain_text_is_a_reason_and_a_page_of_html_is_none() -> None:
    assert str(error_of(400, b"bad\ngrammar", Endpoint.CHAT)) == "bad grammar"
    assert "html" not in str(error_of(400, b"<html>", Endpoint.CHAT))


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_engine_that_takes_nothing_now_may_be_replaced(status: int) -> None:
    error = chat_error(status, {"error": {"message": "Loading model"}})
    assert isinstance(error, ReplicaUnavailable)
    assert (error.status, error.headers) == (503, {"retry-after": "2"})


@pytest.mark.parametrize(
    ("engine_status", "status"),
    [(401, 502), (403, 502), (404, 502), (302, 502), (500, 500), (422, 400), (429, 429)],
)
def test_what_the_gateway_did_wrong_is_not_the_clients_fault(engine_status: int, status: int) -> None:
    error = chat_error(engine_status, {"detail": "no"})
    assert error.status == status
    assert not isinstance(error, ReplicaUnavailable)


def test_llama_cpps_500_for_an_image_to_a_text_model_is_a_400() -> None:
    message = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    error = chat_error(500, {"error": {"code": 500, "message": message, "type": "server_error"}})
    assert (error.status, str(error), error.param) == (400, "image input is not supported", "messages")


@given(st.integers(300, 599), st.binary(max_size=100))
def test_any_answer_makes_one_error_in_the_envelope(status: int, body: bytes) -> None:
    error = error_of(status, body, Endpoint.CHAT)
    assert 400 <= error.status <= 599
    assert str(error)


@pytest.mark.parametrize(
    "tail",
    [
        b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}',
        b'}}]}\n\ndata: {"choices":[],"usage":{"completion_tokens":2,"prompt_tokens":3}}\n\ndata: [DONE]\n\n',
        b'"usage": {"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}}',
    ],
)
def test_usage_is_read_from_the_tail(tail: bytes) -> None:
    assert usage_of(tail) == Usage(prompt_tokens=3, completion_tokens=2)


@pytest.mark.parametrize("tail", [b"", b'"usage":null}', b'"usage":{"prompt_', b'"usage":[]', b'"usage":{}'])
def test_a_tail_without_usage_has_none(tail: bytes) -> None:
    assert usage_of(tail) is None


def test_cached_tokens_are_read_in_either_apis_words() -> None:
    chat = b'{"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}'
    assert usage_of(chat) == Usage(9, 2, 4)
    response = b'{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":2}}'
    assert usage_of(response) == Usage(9, 2, 4)


def test_a_rank_that_tells_only_a_total_has_read_that_many() -> None:
    assert usage_of(b'{"results":[],"usage":{"total_tokens":7}}') == Usage(7, 0)


def test_counts_before_a_long_answer_are_found() -> None:
    vectors = b'{"usage":{"prompt_tokens":7,"total_tokens":7},"data":[' + b"0.25," * 10_000 + b"1]}"
    assert usage_of(vectors) == Usage(7, 0)
