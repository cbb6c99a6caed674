"""How Anthropic's clients are told of an error, with the request's id, which they show."""

import re

import msgspec

from polychat.compat.anthropic.events import event
from polychat.compat.face import ErrorShape
from polychat.errors import ContextLengthExceeded, PlatformError, RequestError

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_THREADS_UNSUPPORTED = "thread_unsupported_request"
_NAMES = (  # fields under their published name, and under the one that these clients know
    (r"response_format\.json_schema\.schema", "output_config.format.schema"),
    (r"response_format(\.json_schema)?", "output_config.format"),
    (r"'stop'", "'stop_sequences'"),
    (r"'messages\[\d+\]\.content\[\d+\]\.image_url(\.url)?'", "'source' of an image"),
)


def errors_of(request_id: str) -> ErrorShape:
    """The shape of the errors of one request.

    Source: https://platform.claude.com/docs/en/api/errors
    """

    def body(error: PlatformError) -> bytes:
        return msgspec.json.encode({"type": "error"} | _facts(error, request_id))

    return ErrorShape(body=body, event=lambda error: event("error", **_facts(error, request_id)))


def _facts(error: PlatformError, request_id: str) -> dict[str, object]:
    text = str(error)
    for published, known in _NAMES:
        text = re.sub(published, known, text)
    if error.code == ContextLengthExceeded.code:
        text = f"prompt is too long: {text}"  # by these words agents know that they must shorten it
    facts: dict[str, object] = {"type": type_of(error.status), "message": text}
    if error.code == _THREADS_UNSUPPORTED:
        facts["details"] = {"error_code": error.code}
    return {"error": facts, "request_id": request_id}


def threads_unsupported() -> RequestError:
    """The tool runner of Anthropic's SDK tries `thread` first; this makes it send whole conversations."""
    error = RequestError(
        "'thread' is not supported here; send the whole conversation without it.", param="thread"
    )
    error.code = _THREADS_UNSUPPORTED
    return error


def type_of(status: int) -> str:
    """The error's type, by which clients choose what to do. 4xx without one of its own is a bad request."""
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
