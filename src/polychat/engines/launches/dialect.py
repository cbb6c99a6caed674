"""Where these engines depart from the published API: what they call their model, and one root of paths."""

from collections.abc import Callable
from dataclasses import replace

from polychat.engines.base import Dialect, RequestView, Shaped, published
from polychat.engines.model_name import renaming

NAME = "polychat"  # what engines are told to call their model, whose own choice would be a path

_by_its_name = renaming(published)


def _calling(name_of: Callable[[RequestView], str]) -> Dialect:
    """The dialect of an engine that calls what is asked for `name_of(view)`."""

    def shape(body: bytes, view: RequestView) -> Shaped:
        return _by_its_name(body, replace(view, upstream_model=name_of(view), adapters=()))

    return shape


def _fixed(name: str) -> Dialect:
    return _calling(lambda view: view.model if view.model in view.adapters else name)


def _sglang(view: RequestView) -> str:
    """It looks for an adapter beside the model's name only."""
    return f"model:{view.model}" if view.model in view.adapters else view.upstream_model


def _ovms(body: bytes, view: RequestView) -> Shaped:
    return replace(_fixed(NAME)(body, view), path="/v3" + view.endpoint.removeprefix("/v1"))


DIALECTS: dict[str, Dialect] = {
    "sglang": _calling(_sglang),
    "tgi": _fixed("tgi"),  # every other name is an adapter's to it
    "lmdeploy": _fixed(NAME),
    "mistralrs-serve": _fixed("default"),
    "ovms": _ovms,
    "xinference": _fixed(NAME),
    "ollama": _fixed(NAME),
}
"""The others call the model as their `/v1/models` says, or do not care."""
