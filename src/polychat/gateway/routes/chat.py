"""POST /v1/chat/completions."""

from polychat.engines.base import RequestView
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.body import read_json
from polychat.gateway.state import Gateway
from polychat.gateway.validation import parse_chat
from polychat.types import Endpoint


async def chat(gateway: Gateway, exchange: Exchange) -> None:
    body = await read_json(gateway, exchange)
    request = parse_chat(body)
    view = RequestView(
        endpoint=Endpoint.CHAT,
        model=request.model,
        stream=bool(request.stream),
        include_usage=request.wants_usage,
        wants_private_fields=bool(request.timings_per_token),
    )
    await gateway.relay.forward(exchange, body, view)
