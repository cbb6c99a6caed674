from polychat.errors import (
    ContextLengthExceeded,
    MethodNotAllowed,
    NoReplicaAvailable,
    PlatformError,
    RequestError,
    UnknownModel,
)


def test_the_envelope_is_what_openai_clients_read() -> None:
    assert UnknownModel("gpt-5").envelope() == {
        "error": {
            "message": "The model 'gpt-5' is not served here. GET /v1/models lists what is.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


def test_a_bad_field_is_named_in_param() -> None:
    error = RequestError("temperature must be between 0 and 2, not 7.", param="temperature")
    assert error.envelope()["error"] == {
        "message": "temperature must be between 0 and 2, not 7.",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": None,
    }


def test_every_error_tells_the_client_the_numbers_it_needs() -> None:
    error: PlatformError = ContextLengthExceeded(prompt_tokens=9000, context_length=8192)
    assert "9000" in str(error)
    assert "8192" in str(error)


def test_nothing_ready_says_when_to_come_back() -> None:
    assert NoReplicaAvailable("qwen", retry_after_s=7).headers == {"retry-after": "7"}


def test_a_wrong_method_says_which_is_right() -> None:
    assert MethodNotAllowed("GET", "/v1/completions", "POST").headers == {"allow": "POST"}
