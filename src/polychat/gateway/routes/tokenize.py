"""POST /tokenize and /detokenize: a model's tokens, without running it."""

import msgspec

from polychat.engines.base import RequestView
from polychat.errors import ReplicaError
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer, read_json, view_of
from polychat.gateway.sink import Collected
from polychat.gateway.state import Gateway
from polychat.schema.tokenize import DetokenizeRequest, TokenizeRequest
from polychat.schema.validation import ALLOWED, parser_of
from polychat.types import Endpoint

_ALLOWED = ALLOWED | {"prompt": "a string", "tokens[]": "a token id, an integer from 0 on"}
parse_tokenize = parser_of(TokenizeRequest, _ALLOWED)
parse_detokenize = parser_of(DetokenizeRequest, _ALLOWED)


class Tokenized(msgspec.Struct):
    """The answer to POST /tokenize."""

    count: int
    tokens: list[int]
    max_model_len: int | None = None  # tokens; null when neither the engine nor its worker knows
    token_strs: list[str] | None = None


_decode = msgspec.json.Decoder(Tokenized).decode


async def tokenize(gateway: Gateway, exchange: Exchange) -> None:
    body, sink = await read_json(gateway, exchange), Collected()
    view = view_of(Endpoint.TOKENIZE, parse_tokenize(body))
    await gateway.relay.forward(exchange, body, view, sink)
    await exchange.json(msgspec.json.encode(_complete(gateway, view, sink.body)))


async def detokenize(gateway: Gateway, exchange: Exchange) -> None:
    await infer(gateway, exchange, Endpoint.DETOKENIZE, parse_detokenize)


def _complete(gateway: Gateway, view: RequestView, body: bytes) -> Tokenized:
    """What the engine said, with the context length that only its worker may know."""
    try:
        answer = _decode(body)
    except msgspec.DecodeError as exc:
        raise ReplicaError("The replica did not say what the tokens are.") from exc
    if answer.max_model_len is None:
        lengths = [replica.context_length for replica in gateway.registry.named(view.model)]
        answer.max_model_len = min((length for length in lengths if length is not None), default=None)
    return answer
