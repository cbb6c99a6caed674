"""POST /api/embed, and /api/embeddings for clients that do not know it yet."""

from polychat.compat.ollama import asks, embeddings, requests
from polychat.compat.ollama.face import Clock
from polychat.compat.ollama.requests import EmbedRequest
from polychat.errors import UnknownModel
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json, view_of
from polychat.gateway.routes.ollama.names import served_name
from polychat.gateway.sink import Collected
from polychat.gateway.state import Gateway
from polychat.schema.validation import parse_embedding
from polychat.types import Endpoint


async def embed(gateway: Gateway, exchange: Exchange) -> None:
    clock = Clock()
    started_ns = clock.monotonic_ns()
    request = requests.parse_embed(await read_json(gateway, exchange))
    answer = await _embeddings(gateway, exchange, request)
    took_ns = clock.monotonic_ns() - started_ns
    await exchange.json(embeddings.embed(answer, model=request.model, took_ns=took_ns))


async def embed_one(gateway: Gateway, exchange: Exchange) -> None:
    request = requests.parse_legacy_embed(await read_json(gateway, exchange))
    answer = await _embeddings(gateway, exchange, EmbedRequest(model=request.model, input=request.prompt))
    await exchange.json(embeddings.legacy(answer))


async def _embeddings(gateway: Gateway, exchange: Exchange, request: EmbedRequest) -> bytes:
    """A replica's answer in the published form."""
    name = served_name(gateway, request.model)
    if not request.input:
        if not gateway.registry.named(name):
            raise UnknownModel(name)
        return embeddings.NO_INPUT
    body, sink = asks.embeddings(request, name), Collected()
    await gateway.relay.forward(exchange, body, view_of(Endpoint.EMBEDDINGS, parse_embedding(body)), sink)
    return sink.body
