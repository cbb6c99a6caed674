"""The controller's HTTP face: workers hold `/workers`, gateways read `/watch`, people read `/replicas`."""

import hmac
import json
import logging
import time
from dataclasses import replace

import msgspec
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from polychat.controller import workers
from polychat.controller.board import Board
from polychat.controller.claims import Rules
from polychat.routing.gauges import Replicas
from polychat.routing.hits import Tally, Told
from polychat.routing.replica import Replica
from polychat.telemetry import metrics

log = logging.getLogger(__name__)

ANYTHING = Rules()
_decode_told = msgspec.json.Decoder(Told).decode
LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]
NO_PAGES = "The controller does not talk to web pages."
NO_TOKEN = "The controller wants its token: give --token or POLYCHAT_TOKEN the value it was started with."


def create(board: Board, *, token: str = "", rules: Rules = ANYTHING) -> Starlette:
    """The controller as an ASGI application.

    Without a token it is meant for loopback, and then answers only to loopback's own names: a web page that
    somebody has open in a browser can neither register a worker nor read secrets through a rebound DNS name.
    """
    guards = [Middleware(_Guard, token=token)]
    if not token:
        guards.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_NAMES, www_redirect=False))
    routes = [
        WebSocketRoute("/workers", workers.hold),
        Route("/watch", _watch),
        Route("/replicas", _replicas),
        Route("/hits", _hits, methods=["POST"]),
        Route("/metrics", _metrics),
        Route("/health", _health),
    ]
    app = Starlette(routes=routes, middleware=guards)
    app.state.board, app.state.rules = board, rules
    app.state.hits = Tally()
    app.state.metrics = metrics.registry("controller")
    app.state.metrics.register(Replicas(board.registry))
    return app


def public(replica: Replica) -> dict[str, object]:
    """A replica as people may see it: everything but its secret and headers, which may hold one."""
    if replica.outside is not None:
        replica = replace(replica, outside=replace(replica.outside, headers=()))
    shown: dict[str, object] = msgspec.to_builtins(replica, order="deterministic")  # sets become sorted lists
    del shown["secret"]
    return shown


class _Guard:
    """Lets in who has the token, and nobody that is a page in a browser (those send Origin)."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] == "/health":
            await self._app(scope, receive, send)
        elif why := self._refusal(HTTPConnection(scope)):
            log.warning("refused %s to %s: %s", scope["path"], scope["client"], why[1])
            await _refuse(scope, receive, send, *why)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, connection: HTTPConnection) -> tuple[int, str] | None:
        if "origin" in connection.headers:
            return 403, NO_PAGES
        given = connection.headers.get("authorization", "").removeprefix("Bearer ").encode()
        if self._token and not hmac.compare_digest(given, self._token):
            return 401, NO_TOKEN
        return None


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    response = JSONResponse({"error": error}, status)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


async def _watch(request: Request) -> Response:
    board: Board = request.app.state.board
    return StreamingResponse(board.watch(), media_type="application/x-ndjson")


async def _replicas(request: Request) -> Response:
    board: Board = request.app.state.board
    hits: Tally = request.app.state.hits
    shown = [
        public(replica) | {"prefix": msgspec.to_builtins(hits.of(replica.id))} for replica in board.registry
    ]
    return Response(json.dumps(shown), media_type="application/json")


async def _hits(request: Request) -> Response:
    """A gateway tells what was in KV caches."""
    hits: Tally = request.app.state.hits
    try:
        hits.take(_decode_told(await request.body()), now_s=time.monotonic())
    except msgspec.MsgspecError as exc:
        return JSONResponse({"error": {"message": str(exc), "type": "invalid_request_error"}}, 400)
    return Response(status_code=204)


async def _metrics(request: Request) -> Response:
    """What Prometheus reads; it shows the token as its bearer."""
    told: CollectorRegistry = request.app.state.metrics
    return Response(metrics.text(told), media_type=metrics.CONTENT_TYPE)


async def _health(request: Request) -> Response:
    board: Board = request.app.state.board
    return JSONResponse({"status": "ok", "replicas": len(board.registry)})
