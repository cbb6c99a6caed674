"""The echo engine's HTTP face, a raw ASGI application."""

import asyncio
import hmac
from collections.abc import Coroutine
from types import MappingProxyType

import msgspec
from starlette.types import Receive, Scope, Send

from polychat.engines.echo import pooling
from polychat.engines.echo.answers import Reader
from polychat.engines.echo.faces import ChatFace, TextFace
from polychat.engines.echo.messages import Json
from polychat.engines.echo.pace import Pace
from polychat.engines.echo.wire import Wanted, Wire, encoded
from polychat.errors import PlatformError, RequestError, Unauthorized, UnknownRoute
from polychat.types import Endpoint

_POOLING = MappingProxyType(
    {
        Endpoint.EMBEDDINGS: pooling.embeddings,
        Endpoint.RERANK: pooling.rerank,
        Endpoint.SCORE: pooling.score,
        Endpoint.CLASSIFY: pooling.classify,
        Endpoint.TOKENIZE: pooling.tokenize,
        Endpoint.DETOKENIZE: pooling.detokenize,
    }
)
ENDPOINTS = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, *_POOLING})
_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class EchoApp:
    """Answers at the pace of `pace` those who know `secret`."""

    def __init__(self, reader: Reader, pace: Pace, *, name: str, secret: str) -> None:
        self._reader = reader
        self._pace = pace
        self._name = name
        self._credentials = f"Bearer {secret}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._route(scope, receive, send)
        except PlatformError as exc:
            await _send_json(send, msgspec.json.encode(exc.envelope()), status=exc.status)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", "/health"):
            await _send_json(send, b'{"status":"ok"}')
            return
        is_listing = (method, path) == ("GET", "/v1/models")
        if not is_listing and (method != "POST" or path not in ENDPOINTS):
            raise UnknownRoute(method, path)
        if not hmac.compare_digest(dict(scope["headers"]).get(b"authorization", b""), self._credentials):
            raise Unauthorized("This engine takes requests from its gateways only.")
        if is_listing:
            await _send_json(send, self._models())
            return
        request = await _read_request(receive)
        await _unless_client_leaves(receive, self._answer(Endpoint(path), request, send))

    def _models(self) -> bytes:
        """The list by which the engine can be attached as any other server."""
        card = {"id": self._name, "object": "model", "created": 0, "owned_by": "echo"}
        return msgspec.json.encode({"object": "list", "data": [{**card, "endpoints": sorted(ENDPOINTS)}]})

    async def _answer(self, endpoint: Endpoint, request: Json, send: Send) -> None:
        request = {**request, "model": request.get("model") or self._name}
        if endpoint in _POOLING:
            async with self._pace.slot():
                document = _POOLING[endpoint](self._reader, request)
            await _send_json(send, encoded(document))
            return
        wire = self._wire(endpoint, request)
        async with self._pace.slot():
            if request.get("stream"):
                await self._stream(wire, send)
            else:
                async for step in self._pace.steps(wire.num_steps):
                    self._count(wire, step)
                await _send_json(send, wire.whole())

    def _wire(self, endpoint: Endpoint, request: Json) -> Wire:
        model, wanted = str(request["model"]), _wanted(request)
        if endpoint is Endpoint.CHAT:
            return Wire(ChatFace(request), model, [self._reader.chat(request)], wanted)
        return Wire(TextFace(request), model, self._reader.completions(request), wanted)

    async def _stream(self, wire: Wire, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM})
        head = wire.opening()
        async for step in self._pace.steps(wire.num_steps):
            self._count(wire, step)
            await send({"type": "http.response.body", "body": head + wire.step(step), "more_body": True})
            head = b""
        await send({"type": "http.response.body", "body": head + wire.closing(), "more_body": False})

    def _count(self, wire: Wire, step: int) -> None:
        self._pace.produced(sum(answer.token(step) is not None for answer in wire.answers))


def _wanted(request: Json) -> Wanted:
    n, best_of, options = request.get("n"), request.get("best_of"), request.get("stream_options")
    num_choices = n if isinstance(n, int) and n > 0 else 1
    return Wanted(
        num_choices,
        max(num_choices, best_of) if isinstance(best_of, int) else num_choices,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        stop_reason=request.get("verbose") is True,  # how llama.cpp is asked for its private fields
    )


async def _read_request(receive: Receive) -> Json:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        request: object = msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise RequestError(f"The body is not JSON: {exc}.") from exc
    if not isinstance(request, dict):
        raise RequestError("The body must be a JSON object.")
    return request


async def _unless_client_leaves(receive: Receive, answering: Coroutine[object, object, None]) -> None:
    """Answer, but stop at once when the client closes the connection. Only after the body has been read."""
    answer = asyncio.ensure_future(answering)
    leaving = asyncio.ensure_future(receive())  # the next message can only be http.disconnect
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            answer.result()
    finally:
        answer.cancel()
        leaving.cancel()
        await asyncio.gather(answer, leaving, return_exceptions=True)


async def _send_json(send: Send, body: bytes, *, status: int = 200) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
