"""A model's name in requests and answers: the client's on one side, the server's own on the other.

Texts in JSON are escaped, so `"model":` with its bare quotes is never part of what somebody wrote, and
nothing needs decoding. Of several such keys in a request only the outermost object's counts.
"""

import functools
import re

import msgspec
from msgspec.structs import replace

from polychat.engines.base import Dialect, RequestView, Shaped
from polychat.engines.steady import around

_KEY = b'"model"'
_COMPACT = b'"model":"'
_SPACED = re.compile(rb'"model"\s*:\s*"')
_IN_FORM = re.compile(rb'(;\s*name="?model"?(?:\r\n[^\r\n]+)*\r\n\r\n)[^\r\n]*', re.IGNORECASE)

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def named(data: bytes, model: str) -> bytes:
    """An answer with the model under the name `model`; the very same bytes if it has that name, or none."""
    at = data.find(_COMPACT)
    if at >= 0:
        start = at + len(_COMPACT) - 1
    elif (found := _SPACED.search(data)) is not None:
        start = found.end() - 1
    else:
        return data
    name = _quoted(model)
    if data.startswith(name, start):
        return data
    return data[:start] + name + data[_string_end(data, start) :]


def asking_for(body: bytes, model: str) -> bytes:
    """A JSON request for the model called `model`, if it asks for one at all."""
    found = _SPACED.match(body, max(0, body.find(_KEY)))
    if found is not None and body.find(_KEY, found.end()) < 0:
        start = found.end() - 1
        return body[:start] + _quoted(model) + body[_string_end(body, start) :]
    fields = _fields.decode(body)
    if "model" not in fields:
        return body
    return msgspec.json.encode(fields | {"model": msgspec.Raw(_quoted(model))})


def form_asking_for(body: bytes, model: str) -> bytes:
    """The same for a multipart form."""
    return _IN_FORM.sub(lambda found: found[1] + model.encode(), body, count=1)


def renaming(dialect: Dialect) -> Dialect:
    """`dialect` for servers that may call the model otherwise than clients do."""

    def shape(body: bytes, view: RequestView) -> Shaped:
        shaped = dialect(body, view)
        if not view.upstream_model or view.model in view.adapters:
            return shaped
        return _renamed(shaped, view, body)

    return shape


def _renamed(shaped: Shaped, view: RequestView, received: bytes = b"") -> Shaped:
    """`received`: the client's body, which has the client's name of the model."""
    is_right = shaped.body is received and view.upstream_model == view.model
    response, event, then = shaped.response, shaped.event, shaped.then

    def whole(data: bytes) -> bytes | Shaped:
        answer = response(data) if response else data
        if isinstance(answer, Shaped):
            return _renamed(answer, view)
        return named(answer, view.model) if answer.lstrip().startswith(b"{") else answer

    def one(data: bytes) -> bytes:
        return named(event(data) if event else data, view.model)

    return replace(
        shaped,
        body=shaped.body if is_right else _asking(shaped.body, view),
        response=whole,
        event=around(one, event),
        then=(lambda: _renamed(then(), view)) if then else None,
    )


def _asking(body: bytes, view: RequestView) -> bytes:
    if view.content_type.startswith("multipart/"):
        return form_asking_for(body, view.upstream_model)
    return asking_for(body, view.upstream_model)


def _string_end(data: bytes, start: int) -> int:
    """The index after the JSON string whose opening quote is at `start`."""
    end = data.index(b'"', start + 1)
    while (end - len(data[:end].rstrip(b"\\"))) % 2:  # an odd number of backslashes: that quote is escaped
        end = data.index(b'"', end + 1)
    return end + 1


@functools.lru_cache(maxsize=1024)
def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)
