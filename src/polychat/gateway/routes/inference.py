"""What the routes that run a model share: read the body, check it, send it to a replica."""

from collections.abc import Callable

from polychat.engines.base import RequestView
from polychat.errors import UnsupportedMediaType
from polychat.gateway.exchange import Exchange
from polychat.gateway.sink import Sink
from polychat.gateway.state import Gateway
from polychat.schema import Request
from polychat.schema.generation import GenerationRequest
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

_SENT_BY_TOOLS = ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream")
"""What curl -d and simple clients put on JSON unasked."""


async def infer(
    gateway: Gateway, exchange: Exchange, endpoint: Endpoint, parse: Callable[[bytes], Request]
) -> None:
    """Answer with what a replica of the model says to the body, which is sent on as it came.

    Raises:
        PlatformError: the body is no request, or nobody could answer it.
    """
    body = await read_json(gateway, exchange)
    await gateway.relay.forward(exchange, body, view_of(endpoint, parse(body)))


async def infer_as_chat(gateway: Gateway, exchange: Exchange, body: bytes, sink: Sink) -> None:
    """Give `sink` what a replica says to `body`, a chat request into which another API's was translated.

    Raises:
        PlatformError: the body is no chat request, or nobody could answer it.
    """
    await gateway.relay.forward(exchange, body, view_of(Endpoint.CHAT, parse_chat(body)), sink)


def view_of(endpoint: Endpoint, request: Request) -> RequestView:
    """What dispatch and dialects may know of a request."""
    if not isinstance(request, GenerationRequest):
        return RequestView(endpoint, request.model, needs=request.needs, request=request)
    return RequestView(
        endpoint,
        request.model,
        stream=bool(request.stream),
        include_usage=request.wants_usage,
        needs=request.needs,
        request=request,
    )


async def read_json(gateway: Gateway, exchange: Exchange) -> bytes:
    """The whole body, if its content type does not speak against JSON.

    Raises:
        UnsupportedMediaType, BodyTooLarge: it is not taken.
    """
    media_type = exchange.header(b"content-type").decode("latin-1").partition(";")[0].strip().lower()
    if media_type and "json" not in media_type and media_type not in _SENT_BY_TOOLS:
        raise UnsupportedMediaType(media_type)
    return await exchange.body(limit_bytes=gateway.settings.max_body_bytes)
