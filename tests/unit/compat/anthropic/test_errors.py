"""Errors as Anthropic's clients are told of them."""

import json

import pytest

from polychat.compat.anthropic.errors import errors_of, threads_unsupported, type_of
from polychat.errors import (
    ContextLengthExceeded,
    NoReplicaAvailable,
    PlatformError,
    RequestError,
    UnknownModel,
)

ERRORS = errors_of("req_1")


def test_an_error_names_its_type_and_the_request() -> None:
    body = json.loads(ERRORS.body(UnknownModel("x")))
    assert body == {
        "type": "error",
        "error": {
            "type": "not_found_error",
            "message": "The model 'x' is not served here. GET /v1/models lists what is.",
        },
        "request_id": "req_1",
    }


def test_in_a_stream_an_error_is_an_event() -> None:
    name, data = ERRORS.event(NoReplicaAvailable("m")).decode().removesuffix("\n\n").split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: ")) == json.loads(ERRORS.body(NoReplicaAvailable("m")))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
    ],
)
def test_the_type_follows_from_the_status(status: int, kind: str) -> None:
    assert type_of(status) == kind


@pytest.mark.parametrize(
    ("published", "known"),
    [
        ("'response_format.json_schema.schema' must", "'output_config.format.schema' must"),
        ("Invalid schema for response_format 'answer'", "Invalid schema for output_config.format 'answer'"),
        ("'messages[2].content[0].image_url.url' must be an image", "'source' of an image must be an image"),
    ],
)
def test_fields_have_the_names_that_the_client_knows(published: str, known: str) -> None:
    assert json.loads(ERRORS.body(RequestError(published)))["error"]["message"] == known


def test_a_prompt_that_does_not_fit_is_told_in_anthropics_words() -> None:
    error = ContextLengthExceeded(prompt_tokens=9, context_length=8)
    message = json.loads(ERRORS.body(error))["error"]["message"]
    assert message.startswith("prompt is too long: This model's maximum context length is 8 tokens.")


def test_threads_are_refused_in_the_words_that_make_the_sdk_do_without() -> None:
    error = json.loads(ERRORS.body(threads_unsupported()))["error"]
    assert error["type"] == "invalid_request_error"
    assert error["details"] == {"error_code": "thread_unsupported_request"}


def test_a_bug_is_an_api_error() -> None:
    assert json.loads(ERRORS.body(PlatformError("Oh")))["error"] == {"type": "api_error", "message": "Oh"}
