"""POST /v1/messages and /v1/messages/count_tokens, Anthropic's API, answered by chat completions."""

import msgspec
from msgspec.structs import replace

from polychat.compat.anthropic import asks, requests
from polychat.compat.anthropic.errors import errors_of
from polychat.compat.anthropic.face import AnthropicFace
from polychat.compat.anthropic.requests import MessagesRequest
from polychat.engines.base import RequestView
from polychat.errors import ReplicaError
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json, view_of
from polychat.gateway.routes.tokenize import parse_tokenize
from polychat.gateway.sink import Collected, Translated
from polychat.gateway.state import Gateway
from polychat.schema.chat import ChatRequest
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint

_decode_chat = msgspec.json.Decoder(ChatRequest).decode
MAX_STOPS = 4  # what the published API allows


class _Count(msgspec.Struct):
    count: int


def begin(exchange: Exchange) -> None:
    """Speak as Anthropic's clients expect, whatever becomes of the request."""
    exchange.headers.append((b"request-id", exchange.request_id.encode()))
    exchange.errors = errors_of(exchange.request_id)


def begin_if_asked(exchange: Exchange) -> None:
    """For paths that both APIs have."""
    if is_anthropics(exchange):
        begin(exchange)


def is_anthropics(exchange: Exchange) -> bool:
    """Whether one of Anthropic's clients asks: all of them send their API's version."""
    return exchange.header(b"anthropic-version") != b""


async def create(gateway: Gateway, exchange: Exchange) -> None:
    request = requests.parse_messages(await read_json(gateway, exchange))
    fields = asks.chat(request)
    face = AnthropicFace(
        request.model,
        exchange.errors,
        stop_sequences=request.stop_sequences or (),
        shows_thinking=request.shows_thinking,
    )
    sink = Translated(exchange, face)
    body = msgspec.json.encode(fields)
    await gateway.relay.forward(exchange, body, _view(request, fields, body), sink)


async def count_tokens(gateway: Gateway, exchange: Exchange) -> None:
    request = requests.parse_count(await read_json(gateway, exchange))
    body, counted = msgspec.json.encode(asks.count(request)), Collected()
    await gateway.relay.forward(exchange, body, view_of(Endpoint.TOKENIZE, parse_tokenize(body)), counted)
    try:
        num_tokens = msgspec.json.decode(counted.body, type=_Count).count
    except msgspec.DecodeError as exc:
        raise ReplicaError("The replica did not say how many tokens there are.") from exc
    await exchange.json(msgspec.json.encode({"input_tokens": num_tokens}))


def _view(request: MessagesRequest, fields: dict[str, object], body: bytes) -> RequestView:
    """What dispatch may know of the chat request `body`, whose `fields` these are."""
    stops = request.stop_sequences or []
    is_long = len(stops) > MAX_STOPS  # engines take any number
    asked = _parsed(msgspec.json.encode(fields | {"stop": None}) if is_long else body)
    asked.stop = stops or None
    return replace(view_of(Endpoint.CHAT, asked), wants_private_fields=bool(stops))


def _parsed(body: bytes) -> ChatRequest:
    """The chat request. It was written here: that its JSON is strict need not be looked at a second time."""
    try:
        return _decode_chat(body)
    except msgspec.ValidationError:
        return parse_chat(body)  # says in a sentence what is wrong
