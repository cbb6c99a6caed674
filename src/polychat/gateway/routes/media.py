"""Audio and images, for models whose engine does them: the request is checked and goes on as it came."""

from collections.abc import Callable
from typing import Protocol

from polychat.engines.base import RequestView
from polychat.gateway.exchange import Exchange
from polychat.gateway.forms import fields_of
from polychat.gateway.routes.inference import read_json
from polychat.gateway.sink import MediaToClient
from polychat.gateway.state import Gateway
from polychat.schema import media
from polychat.types import Endpoint


class MediaRequest(Protocol):
    @property
    def model(self) -> str: ...

    @property
    def stream(self) -> bool | None: ...


Parse = Callable[[bytes], MediaRequest]


async def transcriptions(gateway: Gateway, exchange: Exchange) -> None:
    await _form(gateway, exchange, Endpoint.TRANSCRIPTIONS, media.parse_transcription)


async def translations(gateway: Gateway, exchange: Exchange) -> None:
    await _form(gateway, exchange, Endpoint.TRANSLATIONS, media.parse_translation)


async def image_edits(gateway: Gateway, exchange: Exchange) -> None:
    await _form(gateway, exchange, Endpoint.IMAGE_EDITS, media.parse_image_edit)


async def image_variations(gateway: Gateway, exchange: Exchange) -> None:
    await _form(gateway, exchange, Endpoint.IMAGE_VARIATIONS, media.parse_image_variation)


async def speech(gateway: Gateway, exchange: Exchange) -> None:
    await _json(gateway, exchange, Endpoint.SPEECH, media.parse_speech)


async def images(gateway: Gateway, exchange: Exchange) -> None:
    await _json(gateway, exchange, Endpoint.IMAGES, media.parse_image)


async def _json(gateway: Gateway, exchange: Exchange, endpoint: Endpoint, parse: Parse) -> None:
    body = await read_json(gateway, exchange)
    request = parse(body)
    view = RequestView(endpoint, request.model, stream=bool(request.stream))
    await gateway.relay.forward(exchange, body, view, MediaToClient(exchange))


async def _form(gateway: Gateway, exchange: Exchange, endpoint: Endpoint, parse: Parse) -> None:
    content_type = exchange.header(b"content-type").decode("latin-1")
    body = await exchange.body(limit_bytes=gateway.settings.max_body_bytes)
    request = parse(await fields_of(body, content_type))
    view = RequestView(endpoint, request.model, stream=bool(request.stream), content_type=content_type)
    await gateway.relay.forward(exchange, body, view, MediaToClient(exchange))
