"""The gateway as an ASGI application: finds the route, checks the key, turns errors into OpenAI's envelope.

Raw ASGI, no framework: the gateway is in every request's path. To add an endpoint: one file in routes/ with
`async def name(gateway, exchange)`, and its line in ROUTES.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from polychat.errors import MethodNotAllowed, PlatformError, ReplicaError, UnknownRoute
from polychat.gateway.answers import usage_of
from polychat.gateway.exchange import ClientLeft, Exchange
from polychat.gateway.routes import chat, completions, embeddings, health, models
from polychat.gateway.state import Gateway
from polychat.gateway.upstream import SWEEP_S

log = logging.getLogger(__name__)

Route = Callable[[Gateway, Exchange], Awaitable[None]]

ROUTES: Mapping[str, tuple[str, Route]] = MappingProxyType(
    {
        "/v1/chat/completions": ("POST", chat.chat),
        "/v1/completions": ("POST", completions.completions),
        "/v1/embeddings": ("POST", embeddings.embeddings),
        "/v1/models": ("GET", models.list_models),
        "/v1/models/": ("GET", models.retrieve_model),  # and everything below it: ids hold slashes
        "/health": ("GET", health.health),
        "/": ("GET", health.front_door),
    }
)
OPEN = frozenset({"/health", "/"})  # need no key


def create(gateway: Gateway) -> ASGIApp:
    """The application. Its lifespan follows the controller."""
    app: ASGIApp = _App(gateway)
    if origins := gateway.settings.allowed_origins:
        app = CORSMiddleware(
            app,
            allow_origins=list(origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after"],
        )
    return app


class _App:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(self._gateway, receive, send)
        elif scope["type"] == "http":
            await _serve(self._gateway, Exchange(scope, receive, send))


async def _serve(gateway: Gateway, exchange: Exchange) -> None:
    started_s = asyncio.get_running_loop().time()
    outcome = "done"
    try:
        await _route(gateway, exchange)
    except ClientLeft:
        outcome = "the client left"
    except PlatformError as error:
        outcome = f"{type(error).__name__}: {error}"
        await exchange.error(error)
    except asyncio.CancelledError:  # the drain timeout is over; this is the task's outermost frame
        outcome = "cut off by shutdown"
        await exchange.error(ReplicaError("The gateway is shutting down."))
    except Exception:  # the outermost frame of a request: a bug, which must not take others with it
        log.exception("a bug in %s %s (%s)", exchange.method, exchange.path, exchange.request_id)
        outcome = "a bug"
        await exchange.error(PlatformError("Something went wrong in the gateway; its log has the details."))
    if log.isEnabledFor(logging.DEBUG):
        took_s = asyncio.get_running_loop().time() - started_s
        log.debug(
            "%s %s %s %d %.3f s replica=%s usage=%s (%s)",
            exchange.request_id,
            exchange.method,
            exchange.path,
            exchange.status,
            took_s,
            exchange.replica_id or "-",
            usage_of(exchange.tail) or "-",
            outcome,
        )


async def _route(gateway: Gateway, exchange: Exchange) -> None:
    path, method = exchange.path, exchange.method
    if path not in OPEN:
        gateway.keys.check(exchange.header(b"authorization"))
    found = ROUTES.get(path) or (ROUTES["/v1/models/"] if path.startswith("/v1/models/") else None)
    if found is None:
        raise UnknownRoute(method, path)
    allowed, route = found
    if method == "OPTIONS":
        await exchange.empty(headers={"allow": _methods(allowed)})
    elif method == allowed or (method == "HEAD" and allowed == "GET"):
        await route(gateway, exchange)
    else:
        raise MethodNotAllowed(method, path, _methods(allowed))


def _methods(allowed: str) -> str:
    return "GET, HEAD, OPTIONS" if allowed == "GET" else f"{allowed}, OPTIONS"


async def _live(gateway: Gateway, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "lifespan.startup"
    async with _running(gateway):
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def _running(gateway: Gateway) -> AsyncIterator[None]:
    """Follow the controller and look after connections while the block runs."""
    tasks = [asyncio.create_task(gateway.controller.run()), asyncio.create_task(_sweep(gateway))]
    for task in tasks:
        task.add_done_callback(_end_process_if_broken)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        gateway.upstream.close()


async def _sweep(gateway: Gateway) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_S)
        gateway.upstream.sweep({replica.url for replica in gateway.registry}, now_s=loop.time())


def _end_process_if_broken(task: "asyncio.Task[None]") -> None:
    """A gateway that has stopped following would send requests to the dead: better restarted."""
    if not task.cancelled() and (exc := task.exception()) is not None:
        log.critical("a bug ended a background task; the gateway ends too", exc_info=exc)
        signal.raise_signal(signal.SIGTERM)
