"""Edits of llama.cpp's JSON documents as bytes, for every route.

Seen with xllamacpp 2026.10. Texts in these documents are escaped, so a key with its bare quotes, such as
`"timings":{`, is never part of what the model said: most changes are made without decoding.
"""

from collections.abc import Mapping

import msgspec

from polychat.engines.base import RequestView
from polychat.engines.model_name import named
from polychat.errors import PlatformError, ReplicaError
from polychat.schema.generation import GenerationRequest

TIMINGS = b',"timings":{'
_CREATED = b'"created":'
_TIME_BYTES = 10  # of seconds since 1970, until 2286
USAGE = b'"usage":{'
NO_CHOICES = b'"choices":[]'
ERROR = b'{"error":'
RANDOM_SEED = 2**32 - 1
LONG_CONTEXT = 2**18  # tokens
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


def common(data: bytes, view: RequestView) -> bytes:
    """The model under the name that the client used, and no private fields unless asked for."""
    data = named(data, view.model)
    if TIMINGS in data and not view.wants_private_fields:
        start = data.rfind(TIMINGS)
        return data[:start] + data[data.index(b"}", start) + 1 :]
    return data


class Created:
    """Gives all chunks of one stream the time of the first: llama.cpp tells the time of each."""

    def __init__(self) -> None:
        self._first = b""

    def constant(self, data: bytes) -> bytes:
        at = data.find(_CREATED)
        if at < 0:
            return data
        start = at + len(_CREATED)
        end = start + _TIME_BYTES
        if not self._first:
            self._first = data[start:end]
        if data.startswith(self._first, start):
            return data
        return data[:start] + self._first + data[end:]


def added(body: bytes, fields: Mapping[str, object]) -> bytes:
    """The JSON object with these fields too, the very same one if there are none.

    Of two equal keys the last one counts for llama.cpp, so nothing needs decoding.
    """
    if not fields:
        return body
    more = msgspec.json.encode(fields)[1:]
    rest = body.rstrip()[:-1].rstrip()
    return rest + (b"" if rest.endswith(b"{") else b",") + more


def engine_fields(request: GenerationRequest, view: RequestView) -> dict[str, object]:
    """What chats and completions must be told in llama.cpp's own words."""
    fields: dict[str, object] = {}
    if request.presence_penalty or request.frequency_penalty:
        fields["repeat_last_n"] = view.context_length or LONG_CONTEXT  # else only the last 64 tokens count
    if request.seed is not None and not 0 <= request.seed < RANDOM_SEED:
        fields["seed"] = request.seed % RANDOM_SEED  # it takes 32 bits, and draws one itself for the last
    return fields


def usage_null(data: bytes) -> bytes:
    """A chunk before the one with the token counts, as the client gets it who asked for these."""
    return data[:-1] + b',"usage":null}'


def raise_error_in(data: bytes) -> None:
    """Raises PlatformError for what llama.cpp says in mid-stream when it cannot go on."""
    if data.startswith(ERROR):
        error = msgspec.json.decode(data)["error"]
        raise failed(str(error.get("message")))


def failed(reason: str) -> PlatformError:
    """The error of an engine that could not go on."""
    error = PlatformError(f"The engine failed: {reason}")
    error.code = ReplicaError.code
    return error
