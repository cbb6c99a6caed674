"""POST /v1/chat/completions."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer
from polychat.gateway.state import Gateway
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint


async def chat(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.CHAT, parse_chat)
