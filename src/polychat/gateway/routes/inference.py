"""What the routes that run a model share: read the body, check it, send it to a replica."""

from collections.abc import Callable

from polychat.engines.base import RequestView
from polychat.errors import UnsupportedMediaType
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway
from polychat.schema.embeddings import EmbeddingRequest
from polychat.schema.generation import GenerationRequest
from polychat.types import Endpoint

_SENT_BY_TOOLS = ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream")
"""What curl -d and simple clients put on JSON unasked."""


async def infer(
    gateway: Gateway,
    exchange: Exchange,
    endpoint: Endpoint,
    parse: Callable[[bytes], GenerationRequest | EmbeddingRequest],
) -> None:
    """Answer with what a replica of the model says to the body, which is sent on as it came.

    Raises:
        PlatformError: the body is no request, or nobody could answer it.
    """
    body = await _read_json(gateway, exchange)
    request = parse(body)
    await gateway.relay.forward(exchange, body, _view(endpoint, request))


def _view(endpoint: Endpoint, request: GenerationRequest | EmbeddingRequest) -> RequestView:
    if isinstance(request, EmbeddingRequest):
        return RequestView(endpoint, request.model, stream=False, include_usage=False)
    return RequestView(
        endpoint, request.model, stream=bool(request.stream), include_usage=request.wants_usage
    )


async def _read_json(gateway: Gateway, exchange: Exchange) -> bytes:
    """The whole body, if its content type does not speak against JSON."""
    media_type = exchange.header(b"content-type").decode("latin-1").partition(";")[0].strip().lower()
    if media_type and "json" not in media_type and media_type not in _SENT_BY_TOOLS:
        raise UnsupportedMediaType(media_type)
    return await exchange.body(limit_bytes=gateway.settings.max_body_bytes)
