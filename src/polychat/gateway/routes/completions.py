"""POST /v1/completions."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer
from polychat.gateway.state import Gateway
from polychat.schema.validation import parse_completion
from polychat.types import Endpoint


async def completions(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.COMPLETIONS, parse_completion)
