"""POST /tokenize and /detokenize: a model's tokens, without running it."""

from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer
from polychat.gateway.state import Gateway
from polychat.schema.tokenize import DetokenizeRequest, TokenizeRequest
from polychat.schema.validation import ALLOWED, parser_of
from polychat.types import Endpoint

_ALLOWED = ALLOWED | {"prompt": "a string", "tokens[]": "a token id, an integer from 0 on"}
parse_tokenize = parser_of(TokenizeRequest, _ALLOWED)
parse_detokenize = parser_of(DetokenizeRequest, _ALLOWED)


async def tokenize(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.TOKENIZE, parse_tokenize)


async def detokenize(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.DETOKENIZE, parse_detokenize)
