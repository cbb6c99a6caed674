"""What llama.cpp says to a request that it cannot take, as errors that name the client's field."""

import re

import msgspec

from polychat.engines.base import RequestView
from polychat.engines.llamacpp import fields
from polychat.errors import PlatformError, RequestError
from polychat.schema.chat import ChatRequest
from polychat.types import Endpoint

_OUT_OF_RANGE = re.compile(
    r"Field '(?P<field>\w+)': Value must be between (?P<least>\d+) <= value <= (?P<most>\d+)"
)
_NO_GRAMMAR = re.compile(
    r"(?:JSON schema (?:error at|conversion failed:)|failed to parse grammar)\s*(?P<why>.*)", re.DOTALL
)
_ONE_TEXT = "type must be string, but is array"
_NOT_IN_FORM = "does not match the expected"


def refusal(status: int, body: bytes, view: RequestView) -> PlatformError | None:
    """The error behind an answer of that status; None when it is as any engine's."""
    try:
        message = str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    if found := _OUT_OF_RANGE.search(message):
        limits = f"from {found['least']} to {found['most']}"
        return RequestError(
            f"'{found['field']}' must be {limits} for the model {view.model!r}.", param=found["field"]
        )
    if status == 400 and (found := _NO_GRAMMAR.search(message)):
        return _no_grammar(" ".join(found["why"].split()), view)
    if status == 400 and "invalid tokens" in message:
        return RequestError("'prompt' has tokens that the model does not know.", param="prompt")
    if view.endpoint is Endpoint.COMPLETIONS and _ONE_TEXT in message:
        return RequestError(
            f"The model {view.model!r} sees images, and so it completes one text at a time: 'prompt' "
            "must be a string here.",
            param="prompt",
        )
    return fields.failed(message) if _NOT_IN_FORM in message else None


def _no_grammar(why: str, view: RequestView) -> RequestError:
    request = view.request
    is_answers = isinstance(request, ChatRequest) and request.needs and request.response_format is not None
    param = "response_format" if is_answers else "tools"
    return RequestError(
        f"The engine of the model {view.model!r} cannot hold an answer to this JSON schema"
        + (f": {why[:300]}" if why else "; it is too large, or recursive."),
        param=param,
    )
