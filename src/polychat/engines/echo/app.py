"""The echo engine's HTTP face, a raw ASGI application."""

import asyncio
import hmac
from collections.abc import Coroutine

import msgspec
from starlette.types import Receive, Scope, Send

from polychat.engines.echo import answers as echo_answers
from polychat.engines.echo import wire as echo_wire
from polychat.engines.echo.answers import Answer, Json
from polychat.engines.echo.pace import Pace
from polychat.errors import PlatformError, RequestError, Unauthorized, UnknownRoute
from polychat.types import Endpoint

_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class EchoApp:
    """Answers at the pace of `pace` those who know `secret`."""

    def __init__(self, pace: Pace, *, name: str, secret: str) -> None:
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
        if method != "POST" or path not in list(Endpoint):
            raise UnknownRoute(method, path)
        if not hmac.compare_digest(dict(scope["headers"]).get(b"authorization", b""), self._credentials):
            raise Unauthorized("This engine takes requests from its gateways only.")
        request = await _read_request(receive)
        await _unless_client_leaves(receive, self._answer(Endpoint(path), request, send))

    async def _answer(self, endpoint: Endpoint, request: Json, send: Send) -> None:
        model = str(request.get("model") or self._name)
        if endpoint is Endpoint.EMBEDDINGS:
            async with self._pace.slot():
                vectors, num_tokens = echo_answers.embeddings(request)
            await _send_json(send, echo_wire.embeddings(model, vectors, num_tokens))
            return
        n = _n(request)
        answers = _answers(endpoint, request, n)
        wire = echo_wire.Wire(endpoint, model, answers, n=n)
        async with self._pace.slot():
            if request.get("stream"):
                await self._stream(wire, answers, _include_usage(request), send)
            else:
                async for step in self._pace.steps(_longest(answers)):
                    self._count(answers, step)
                await _send_json(send, wire.whole())

    async def _stream(
        self, wire: echo_wire.Wire, answers: list[Answer], include_usage: bool, send: Send
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM})
        head = wire.opening()
        async for step in self._pace.steps(_longest(answers)):
            self._count(answers, step)
            await send({"type": "http.response.body", "body": head + wire.step(step), "more_body": True})
            head = b""
        last = head + wire.closing(include_usage=include_usage)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def _count(self, answers: list[Answer], step: int) -> None:
        self._pace.produced(sum(answer.token(step) is not None for answer in answers))


def _answers(endpoint: Endpoint, request: Json, n: int) -> list[Answer]:
    firsts = [echo_answers.chat(request)] if endpoint is Endpoint.CHAT else echo_answers.completions(request)
    return [answer for answer in firsts for _ in range(n)]


def _n(request: Json) -> int:
    n = request.get("n")
    return n if isinstance(n, int) and n > 0 else 1


def _longest(answers: list[Answer]) -> int:
    return max((len(answer.tokens) for answer in answers), default=0)


def _include_usage(request: Json) -> bool:
    options = request.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


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
