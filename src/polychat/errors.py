"""Every error the platform can show: to an API client as OpenAI's envelope, on the command line as one line.

* PlatformError
  + RequestError              400  the client must change the request
    - ContextLengthExceeded   400
    - UnsupportedFeature      400  no replica of the model can do that
    - UnknownModel            404
    - UnknownResponse         404
    - UnknownRoute            404
    - MethodNotAllowed        405
    - BodyTooLarge            413
    - UnsupportedMediaType    415
    - UnsupportedEncoding     415
    - HeadersTooLarge         431
  + Unauthorized              401
  + NotImplementedByModel     501  no replica of the model offers this route
  + NotOffered                501  a foreign API's route that has no counterpart here
  + NoReplicaAvailable        503  retry later: nothing is ready for this model
  + GoesInCircles             508  the service is attached to itself
  + DatabaseUnavailable       503  what must last cannot be read or written now
  + ReplicaError              502  a replica broke; retried only before its first byte
    - ReplicaTimeout          504
    - ReplicaUnavailable      503  it cannot be reached, or takes nothing now
      · ReplicaBusy           429  a limit of requests is reached
* SetupError                  a command cannot do its work on this machine as told

Anything else that escapes a handler is a bug: it is logged with its traceback and the
client sees a bare 500.
"""

from collections.abc import Mapping


class PlatformError(Exception):
    """An error with a public face: `str(error)` is written for the client to read."""

    status: int = 500
    type: str = "server_error"
    code: str | None = "internal_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers that belong to this error, such as Retry-After."""
        return {}

    def envelope(self) -> dict[str, object]:
        """The JSON body OpenAI clients expect: `error` is an object, never a string."""
        return {"error": {"message": str(self), "type": self.type, "param": self.param, "code": self.code}}


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


class Unauthorized(PlatformError):
    status = 401
    type = "invalid_request_error"  # what OpenAI sends with a bad key
    code = "invalid_api_key"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"www-authenticate": "Bearer"}


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


class NoReplicaAvailable(PlatformError):
    status = 503
    code = "no_replica_available"

    def __init__(
        self, model: str, *, reason: str = "it has no ready replica", retry_after_s: int = 2
    ) -> None:
        super().__init__(f"The model {model!r} cannot answer now: {reason}. Try again in {retry_after_s} s.")
        self._retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self._retry_after_s)}


class GoesInCircles(PlatformError):
    status = 508
    code = "loop_detected"

    def __init__(self) -> None:
        super().__init__(
            "This request has been here before: a server that is attached here is this service itself."
        )


class DatabaseUnavailable(PlatformError):
    status = 503
    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The database of this service cannot be used now; its log says why. Requests that "
            "store nothing (`store: false`) still work."
        )


class ReplicaError(PlatformError):
    status = 502
    code = "replica_error"


class ReplicaTimeout(ReplicaError):
    status = 504
    code = "replica_timeout"


class ReplicaUnavailable(ReplicaError):
    status = 503
    code = "replica_unavailable"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": "2"}


class ReplicaBusy(ReplicaUnavailable):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after_s: int = 2) -> None:
        super().__init__(message)
        self._retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self._retry_after_s)}


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


class SetupError(Exception):
    """A command cannot work as told. The text is one line that names the value and the fix."""


class EngineStartError(SetupError):
    """An engine did not become ready. `log_tail` holds its last lines."""

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail
