"""POST /v1/rerank: 501 for a model whose engine does not rerank."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json, view_of
from polychat.gateway.state import Gateway
from polychat.schema.rerank import RerankRequest, plain
from polychat.schema.validation import parser_of
from polychat.types import Endpoint

parse_rerank = parser_of(RerankRequest)


async def rerank(gateway: Gateway, exchange: Exchange) -> None:
    body = await read_json(gateway, exchange)
    request = parse_rerank(body)
    await gateway.relay.forward(exchange, plain(body, request), view_of(Endpoint.RERANK, request))
