"""POST /v1/score: 501 for a model whose engine does not score."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json, view_of
from polychat.gateway.state import Gateway
from polychat.schema.score import ScoreRequest, plain
from polychat.schema.validation import parser_of
from polychat.types import Endpoint

parse_score = parser_of(ScoreRequest)


async def score(gateway: Gateway, exchange: Exchange) -> None:
    body = await read_json(gateway, exchange)
    request = parse_score(body)
    await gateway.relay.forward(exchange, plain(body, request), view_of(Endpoint.SCORE, request))
