"""A request's body, for the routes that take JSON."""

from polychat.errors import UnsupportedMediaType
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway

_SENT_BY_TOOLS = ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream")
"""What curl -d and simple clients put on JSON unasked."""


async def read_json(gateway: Gateway, exchange: Exchange) -> bytes:
    """The whole body, if its content type does not speak against JSON.

    Raises:
        UnsupportedMediaType, BodyTooLarge, ClientLeft
    """
    media_type = exchange.header(b"content-type").decode("latin-1").partition(";")[0].strip().lower()
    if media_type and "json" not in media_type and media_type not in _SENT_BY_TOOLS:
        raise UnsupportedMediaType(media_type)
    return await exchange.body(limit_bytes=gateway.settings.max_body_bytes)
