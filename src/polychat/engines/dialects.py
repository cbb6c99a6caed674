"""Each engine's dialect by the engine's name. Light: gateways import it, and no engine with it."""

from polychat.engines import llamacpp_dialect
from polychat.engines.base import Dialect

PUBLISHED = Dialect()
"""Nothing to change: the engine speaks the published API."""

_DIALECTS = {"llamacpp": llamacpp_dialect.DIALECT}


def dialect_of(engine: str) -> Dialect:
    """The dialect of the engine called `engine`; the published API for one that has none of its own."""
    return _DIALECTS.get(engine, PUBLISHED)
