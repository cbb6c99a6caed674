"""A model under another name: its dialect sees the model's own name, the client the one that it asked by."""

import msgspec
from msgspec.structs import replace

from polychat.engines.base import Dialect, RequestView, Shaped
from polychat.engines.model_name import asking_for, form_asking_for, named
from polychat.engines.steady import around
from polychat.schema import Request


def aliased(dialect: Dialect, model: str) -> Dialect:
    """`dialect` for requests that ask for `model` by an alias."""

    def shape(body: bytes, view: RequestView) -> Shaped:
        is_form = view.content_type.startswith("multipart/")
        asking = form_asking_for(body, model) if is_form else asking_for(body, model)
        inner = replace(view, model=model, request=_request(view.request, model))
        return _answering(dialect(asking, inner), view.model)

    return shape


def _request(request: Request | None, model: str) -> Request | None:
    return None if request is None else msgspec.structs.replace(request, model=model)


def _answering(shaped: Shaped, name: str) -> Shaped:
    """The same call, its answer under `name`."""
    response, event, then = shaped.response, shaped.event, shaped.then

    def whole(data: bytes) -> bytes | Shaped:
        answer = response(data) if response else data
        if isinstance(answer, Shaped):
            return _answering(answer, name)
        return named(answer, name) if answer.lstrip().startswith(b"{") else answer

    def one(data: bytes) -> bytes:
        return named(event(data) if event else data, name)

    return replace(
        shaped,
        response=whole,
        event=around(one, event),
        then=(lambda: _answering(then(), name)) if then else None,
    )
