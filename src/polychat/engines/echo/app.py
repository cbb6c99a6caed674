"""The echo engine's HTTP face, a raw ASGI application."""

from types import MappingProxyType

import msgspec
from starlette.types import Receive, Scope, Send

from polychat.engines.echo import pooling
from polychat.engines.echo.answers import Reader
from polychat.engines.echo.faces import ChatFace, TextFace
from polychat.engines.echo.messages import Json
from polychat.engines.echo.pace import Pace
from polychat.engines.echo.wire import Wanted, Wire, encoded
from polychat.engines.published import asgi
from polychat.errors import PlatformError, RequestError, UnknownRoute
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
            await asgi.send_json(send, msgspec.json.encode(exc.envelope()), status=exc.status)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", "/health"):
            await asgi.send_json(send, b'{"status":"ok"}')
            return
        is_listing = (method, path) == ("GET", "/v1/models")
        if not is_listing and (method != "POST" or path not in ENDPOINTS):
            raise UnknownRoute(method, path)
        asgi.require_secret(scope, self._credentials)
        if is_listing:
            await asgi.send_json(send, self._models())
            return
        request = _read(await asgi.read_body(receive))
        await asgi.unless_client_leaves(receive, self._answer(Endpoint(path), request, send))

    def _models(self) -> bytes:
        """The list by which the engine can be attached as any other server."""
        card = {"id": self._name, "object": "model", "created": 0, "owned_by": "echo"}
        return msgspec.json.encode({"object": "list", "data": [{**card, "endpoints": sorted(ENDPOINTS)}]})

    async def _answer(self, endpoint: Endpoint, request: Json, send: Send) -> None:
        request = {**request, "model": request.get("model") or self._name}
        if endpoint in _POOLING:
            async with self._pace.slot():
                document = _POOLING[endpoint](self._reader, request)
            await asgi.send_json(send, encoded(document))
            return
        wire = self._wire(endpoint, request)
        async with self._pace.slot():
            if request.get("stream"):
                await self._stream(wire, send)
            else:
                async for step in self._pace.steps(wire.num_steps):
                    self._count(wire, step)
                await asgi.send_json(send, wire.whole())

    def _wire(self, endpoint: Endpoint, request: Json) -> Wire:
        model, wanted = str(request["model"]), _wanted(request)
        if endpoint is Endpoint.CHAT:
            return Wire(ChatFace(request), model, [self._reader.chat(request)], wanted)
        return Wire(TextFace(request), model, self._reader.completions(request), wanted)

    async def _stream(self, wire: Wire, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": asgi.STREAM_HEADERS})
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


def _read(body: bytes) -> Json:
    try:
        request: object = msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise RequestError(f"The body is not JSON: {exc}.") from exc
    if not isinstance(request, dict):
        raise RequestError("The body must be a JSON object.")
    return request
