"""Each engine's dialect by the engine's name. Light: gateways import it, and no engine with it."""

from polychat.engines.base import Dialect, published
from polychat.engines.llamacpp import dialect as llamacpp
from polychat.engines.model_name import renaming

_PUBLISHED = renaming(published)
_DIALECTS: dict[str, Dialect] = {"llamacpp": renaming(llamacpp.shape)}


def dialect_of(engine: str) -> Dialect:
    """The dialect of the engine called `engine`; the published API for one that has none of its own."""
    return _DIALECTS.get(engine, _PUBLISHED)
