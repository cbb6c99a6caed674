"""POST /v1/responses/input_tokens: how many tokens a model would read, without running it."""

import msgspec

from polychat.compat.responses import asks, items, requests
from polychat.errors import ReplicaError
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json, view_of
from polychat.gateway.routes.responses import conversation
from polychat.gateway.routes.tokenize import parse_tokenize
from polychat.gateway.sink import Collected
from polychat.gateway.state import Gateway
from polychat.types import Endpoint

_KEY = "0" * 48  # nothing is kept that could be asked for by its id


class Count(msgspec.Struct):
    count: int


async def input_tokens(gateway: Gateway, exchange: Exchange) -> None:
    """Count what POST /v1/responses would give the model.

    Raises:
        PlatformError: the body is no request, or the model's engine cannot count.
    """
    body = await read_json(gateway, exchange)
    request, owner = requests.parse_count(body), exchange.journey.caller.account
    own = items.listed(msgspec.json.decode(body).get("input"), _KEY)
    said = await conversation.resolved(gateway.responses, own, owner=owner)
    before = await conversation.history(gateway.responses, request, owner=owner)
    asked = asks.count_request(request, asks.conversation(request, [*before, *said]))
    sink = Collected()
    await gateway.relay.forward(exchange, asked, view_of(Endpoint.TOKENIZE, parse_tokenize(asked)), sink)
    answer = {"object": "response.input_tokens", "input_tokens": _count(sink.body)}
    await exchange.json(msgspec.json.encode(answer))


def _count(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=Count).count
    except msgspec.DecodeError as exc:
        raise ReplicaError("The replica did not say how many tokens there are.") from exc
