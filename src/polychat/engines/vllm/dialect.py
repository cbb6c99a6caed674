"""How vLLM is asked for what the published API calls a request, by route."""

from polychat.engines.base import Dialect, RequestView, Shaped, published
from polychat.engines.vllm import chat, completions
from polychat.types import Endpoint

_BY_ENDPOINT: dict[Endpoint, Dialect] = {
    Endpoint.CHAT: chat.shape,
    Endpoint.COMPLETIONS: completions.shape,
}


def shape(body: bytes, view: RequestView) -> Shaped:
    """How vLLM is asked, and how its answer becomes the published one."""
    return _BY_ENDPOINT.get(view.endpoint, published)(body, view)
