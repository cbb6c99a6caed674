"""The client must change its request."""

from collections.abc import Mapping

from polychat.errors.platform import PlatformError


class RequestError(PlatformError):
    status = 400
    type = "invalid_request_error"
    code: str | None = None  # OpenAI sends null for a plain bad request; `param` names the field


class ContextLengthExceeded(RequestError):
    code = "context_length_exceeded"

    def __init__(self, *, prompt_tokens: int, context_length: int, param: str = "messages") -> None:
        super().__init__(
            f"This model's maximum context length is {context_length} tokens. However, the prompt has "
            f"{prompt_tokens} tokens. Shorten the {param}.",
            param=param,
        )


class UnsupportedFeature(RequestError):
    code = "unsupported_feature"

    def __init__(self, model: str, feature: str) -> None:
        super().__init__(
            f"The model {model!r} does not support {feature}. GET /v1/models/{model} lists what it supports.",
            param=_PARAM_OF_FEATURE.get(feature),
        )


class UnknownModel(RequestError):
    status = 404
    code = "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The model {model!r} is not served here. GET /v1/models lists what is.", param="model"
        )
        self.model = model


class UnknownResponse(RequestError):
    status = 404

    def __init__(self, id_: str) -> None:
        super().__init__(f"Response with id {id_!r} not found.")


class UnknownRoute(RequestError):
    status = 404
    code = "unknown_url"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Unknown request URL: {method} {path}. Check the path; the API lives under /v1.")


class MethodNotAllowed(RequestError):
    status = 405
    code = "method_not_allowed"

    def __init__(self, method: str, path: str, allowed: str) -> None:
        super().__init__(f"{path} takes {allowed}, not {method}.")
        self._allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        return {"allow": self._allowed}


class RequestTimeout(RequestError):
    status = 408
    code = "request_timeout"

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"Nothing more of the request came for {timeout_s:g} seconds; send it again.")


class BodyTooLarge(RequestError):
    status = 413
    code = "request_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The request body is larger than {limit_bytes} bytes, the limit set for this gateway."
        )


class UnsupportedMediaType(RequestError):
    status = 415
    code = "unsupported_media_type"

    def __init__(self, media_type: str, *, wanted: str = "application/json") -> None:
        super().__init__(f"The content type {media_type!r} is not supported; send {wanted}.")


class UnsupportedEncoding(RequestError):
    status = 415
    code = "unsupported_media_type"

    def __init__(self, header: str, value: str) -> None:
        super().__init__(
            f"The {header} {value[:40]!r} is not supported; send the JSON uncompressed and in UTF-8."
        )


class HeadersTooLarge(RequestError):
    status = 431
    code = "request_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request's URL and headers are larger than {limit_bytes} bytes.")


class NotImplementedByModel(PlatformError):
    status = 501
    type = "invalid_request_error"
    code = "not_implemented"

    def __init__(self, model: str, path: str) -> None:
        super().__init__(f"The model {model!r} does not serve {path}. Use a model that does.", param="model")


class NotOffered(PlatformError):
    status = 501
    type = "invalid_request_error"
    code = "not_implemented"


class GoesInCircles(PlatformError):
    status = 508
    code = "loop_detected"

    def __init__(self) -> None:
        super().__init__(
            "This request has been here before: a server that is attached here is this service itself."
        )


_PARAM_OF_FEATURE = {  # the field by which a request asks for it
    "tools": "tools",
    "json_schema": "response_format",
    "logprobs": "logprobs",
    "prompt_logprobs": "echo",
    "vision": "messages",
    "audio_input": "messages",
    "suffix": "suffix",
    "token_prompts": "prompt",
    "logit_bias": "logit_bias",
    "continue_final_message": "continue_final_message",
}
