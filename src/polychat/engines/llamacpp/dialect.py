"""How llama.cpp is asked for what the published API calls a request, by route.

Each route's departures are in a module of their own: chat.py and completions.py, with fields.py shared.
"""

from polychat.engines.base import Dialect, RequestView, Shaped, published
from polychat.engines.llamacpp import adapters, chat, completions, ranking, tokens, vectors
from polychat.types import Endpoint

_BY_ENDPOINT: dict[Endpoint, Dialect] = {
    Endpoint.CHAT: chat.shape,
    Endpoint.COMPLETIONS: completions.shape,
    Endpoint.EMBEDDINGS: vectors.embeddings,
    Endpoint.RERANK: ranking.rerank,
    Endpoint.SCORE: ranking.score,
    Endpoint.TOKENIZE: tokens.tokenize,
    Endpoint.DETOKENIZE: tokens.detokenize,
}


def shape(body: bytes, view: RequestView) -> Shaped:
    """How llama.cpp is asked, and how its answer becomes the published one."""
    return _BY_ENDPOINT.get(view.endpoint, published)(adapters.asked(body, view), view)
