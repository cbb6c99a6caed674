"""POST /v1/classify: 501 for a model whose engine does not classify."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer
from polychat.gateway.state import Gateway
from polychat.schema.classify import ClassifyRequest
from polychat.schema.validation import parser_of
from polychat.types import Endpoint

parse_classify = parser_of(ClassifyRequest)


async def classify(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.CLASSIFY, parse_classify)
