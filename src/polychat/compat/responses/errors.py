"""How clients of the Responses API are told of an error: in the fields of their own request."""

import msgspec

from polychat.compat.face import ErrorShape
from polychat.compat.responses.answer import Answer
from polychat.compat.responses.events import Events
from polychat.errors import PlatformError

_PARAMS = {  # chat's field -> the field it was made from
    "messages": "input",
    "prompt": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "logprobs": "include",
}


def error_body(error: PlatformError) -> bytes:
    """OpenAI's envelope, with `param` as the client wrote it."""
    return msgspec.json.encode(own(error).envelope())


def errors_of(answer: Answer) -> ErrorShape:
    """How the client of `answer` is told: once its stream runs, by numbered events."""
    return ErrorShape(body=error_body, event=lambda error: answer.broken(own(error)))


def _event(error: PlatformError) -> bytes:
    events = Events()
    events.add("error", code=error.code, message=str(error), param=error.param)
    return events.take()


RESPONSES_ERRORS = ErrorShape(body=error_body, event=_event)


def own(error: PlatformError) -> PlatformError:
    """The error in the words of this API."""
    error.param = error.param and error.param.replace(".function", "")
    field = (error.param or "").partition("[")[0].partition(".")[0]
    if field in _PARAMS:
        error.param = _PARAMS[field]
        error.args = (str(error).replace("the messages", "the input"),)
    return error
