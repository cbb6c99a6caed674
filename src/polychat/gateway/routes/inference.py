"""What the routes that run a model share: read the body, check it, send it to a replica."""

import re
from collections.abc import Callable

from polychat.engines.base import RequestView
from polychat.errors import UnsupportedEncoding, UnsupportedMediaType
from polychat.gateway.exchange import Exchange
from polychat.gateway.sink import Sink
from polychat.gateway.state import Gateway
from polychat.schema import Request
from polychat.schema.generation import GenerationRequest
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

_SENT_BY_TOOLS = ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream")
"""What curl -d and simple clients put on JSON unasked."""
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]*)")
_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii", "")


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
    """The whole body, if its headers do not speak against plain JSON.

    Raises:
        UnsupportedMediaType, UnsupportedEncoding, BodyTooLarge: it is not taken.
    """
    media_type, _, options = exchange.header(b"content-type").decode("latin-1").lower().partition(";")
    media_type = media_type.strip()
    if media_type and "json" not in media_type and media_type not in _SENT_BY_TOOLS:
        raise UnsupportedMediaType(media_type)
    if (charset := _CHARSET.search(options)) and charset[1] not in _UTF_8:
        raise UnsupportedEncoding("charset", charset[1])
    if (coding := exchange.header(b"content-encoding").decode("latin-1").lower()) not in ("", "identity"):
        raise UnsupportedEncoding("content encoding", coding)
    return await exchange.body(limit_bytes=gateway.settings.max_body_bytes)
