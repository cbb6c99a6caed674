"""POST /v1/embeddings: 501 for a model whose engine makes none."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer
from polychat.gateway.state import Gateway
from polychat.schema.validation import parse_embedding
from polychat.types import Endpoint


async def embeddings(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.EMBEDDINGS, parse_embedding)
