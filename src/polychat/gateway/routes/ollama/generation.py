"""POST /api/chat and /api/generate."""

import msgspec
from msgspec.structs import replace

from polychat.compat.ollama import asks, requests
from polychat.compat.ollama.face import Clock, OllamaFace, as_chat, as_generate
from polychat.compat.ollama.requests import GenerateRequest, Generation
from polychat.errors import UnknownModel
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import infer_as_chat, read_json, view_of
from polychat.gateway.routes.ollama.names import served_name
from polychat.gateway.sink import Translated
from polychat.gateway.state import Gateway
from polychat.schema.validation import parse_completion
from polychat.types import Endpoint, Feature


async def chat(gateway: Gateway, exchange: Exchange) -> None:
    request = requests.parse_chat(await read_json(gateway, exchange))
    face = OllamaFace(request.model, as_chat, Clock())
    if not request.messages:
        await _load(gateway, exchange, request, face)
        return
    body = asks.chat(request, served_name(gateway, request.model))
    await infer_as_chat(gateway, exchange, body, Translated(exchange, face))


async def generate(gateway: Gateway, exchange: Exchange) -> None:
    request = requests.parse_generate(await read_json(gateway, exchange))
    face = OllamaFace(request.model, as_generate, Clock())
    if request.says_nothing:
        await _load(gateway, exchange, request, face)
    elif request.is_completion:
        await _complete(gateway, exchange, request, face)
    else:
        body = asks.generate(request, served_name(gateway, request.model))
        await infer_as_chat(gateway, exchange, body, Translated(exchange, face))


async def _complete(gateway: Gateway, exchange: Exchange, request: GenerateRequest, face: OllamaFace) -> None:
    fields = asks.completion(request, served_name(gateway, request.model))
    # Editors that complete code send a dozen stop words. Engines take them; the published limit is four.
    asked = parse_completion(msgspec.json.encode(fields | {"stop": None}))
    asked.stop = request.options.stop if request.options else None
    view = view_of(Endpoint.COMPLETIONS, asked)
    if request.format:
        view = replace(view, needs=view.needs | {Feature.JSON_SCHEMA})
    await gateway.relay.forward(exchange, msgspec.json.encode(fields), view, Translated(exchange, face))


async def _load(gateway: Gateway, exchange: Exchange, request: Generation, face: OllamaFace) -> None:
    """Workers hold their models for as long as they run: there is nothing to do."""
    name = served_name(gateway, request.model)
    if not gateway.registry.named(name):
        raise UnknownModel(name)
    await exchange.json(face.loaded(unloads=request.unloads))
