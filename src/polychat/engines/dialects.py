"""Each engine's dialect by the engine's name. Light: gateways import it, and no engine with it."""

import functools

from polychat.engines.base import Dialect, published
from polychat.engines.launches import dialect as launches
from polychat.engines.llamacpp import dialect as llamacpp
from polychat.engines.model_name import renaming
from polychat.engines.vllm import dialect as vllm

_DIALECTS: dict[str, Dialect] = {
    "llamacpp": llamacpp.shape,
    "vllm": vllm.shape,
    **launches.DIALECTS,
}


@functools.cache
def dialect_of(engine: str) -> Dialect:
    """The dialect of the engine called `engine`; the published API for one that has none of its own."""
    return renaming(_DIALECTS.get(engine, published))
