"""What llama.cpp says to what it cannot take, and what clients are told."""

import json

import pytest

from polychat.engines.base import RequestView
from polychat.engines.llamacpp.refusals import refusal
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

BODY = (
    b'{"model":"m","messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema",'
    b'"json_schema":{"name":"x","schema":{"type":"object"}}}}'
)
VIEW = RequestView(Endpoint.CHAT, "m", request=parse_chat(BODY))


@pytest.mark.parametrize(
    ("said", "param", "told"),
    [
        ("Field 'n': Value must be between 1 <= value <= 4, but got 8", "n", "'n' must be from 1 to 4"),
        (
            "Automatic parser generation failed: JSON schema error at #: unsupported $ref",
            "response_format",
            "#: ",
        ),
        (
            "Failed to initialize samplers: failed to parse grammar",
            "response_format",
            "too large, or recursive",
        ),
        ("Prompt contains invalid tokens", "prompt", "tokens that the model does not know"),
    ],
)
def test_a_refusal_names_the_field(said: str, param: str, told: str) -> None:
    error = refusal(400, json.dumps({"error": {"code": 400, "message": said}}).encode(), VIEW)
    assert error is not None
    assert (error.status, error.param) == (400, param)
    assert told in str(error)


def test_an_answer_out_of_form_is_the_engines_failure() -> None:
    said = b'{"error":{"message":"The model produced output that does not match the expected form"}}'
    error = refusal(500, said, VIEW)
    assert error is not None
    assert (error.status, error.code) == (500, "replica_error")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":"no"}', b'{"error":{"message":"else"}}'])
def test_other_answers_are_as_any_engines(body: bytes) -> None:
    assert refusal(500, body, VIEW) is None
