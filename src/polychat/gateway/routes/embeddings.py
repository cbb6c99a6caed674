"""POST /v1/embeddings: 501 for a model whose engine makes none."""

from polychat.engines.base import RequestView
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.body import read_json
from polychat.gateway.state import Gateway
from polychat.gateway.validation import parse_embedding
from polychat.types import Endpoint


async def embeddings(gateway: Gateway, exchange: Exchange) -> None:
    body = await read_json(gateway, exchange)
    request = parse_embedding(body)
    view = RequestView(endpoint=Endpoint.EMBEDDINGS, model=request.model, stream=False, include_usage=False)
    await gateway.relay.forward(exchange, body, view)
