"""POST /v1/chat/completions."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json, view_of
from polychat.gateway.state import Gateway
from polychat.schema.allowed_tools import narrowed
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint


async def chat(gateway: Gateway, exchange: Exchange) -> None:
    received = await read_json(gateway, exchange)
    request = parse_chat(received)
    body = narrowed(received, request)
    if body is not received:
        request = parse_chat(body)
    await gateway.relay.forward(exchange, body, view_of(Endpoint.CHAT, request))
