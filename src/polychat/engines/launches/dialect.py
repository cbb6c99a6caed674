"""Where these engines depart from the published API, beside their model's name."""

from msgspec.structs import replace

from polychat.engines.base import Dialect, RequestView, Shaped, published
from polychat.engines.model_name import renaming

_renamed = renaming(published)


def _sglang(body: bytes, view: RequestView) -> Shaped:
    """It looks for an adapter beside its model's name, whatever that is."""
    if view.model not in view.adapters:
        return published(body, view)
    return _renamed(body, replace(view, adapters=(), upstream_model=f"model:{view.model}"))


def _ovms(body: bytes, view: RequestView) -> Shaped:
    return Shaped("/v3" + view.endpoint.removeprefix("/v1"), body)


DIALECTS: dict[str, Dialect] = {"sglang": _sglang, "ovms": _ovms}
