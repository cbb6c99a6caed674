"""The gateway as an ASGI application: finds the route, checks the key, turns errors into OpenAI's envelope.

Raw ASGI, no framework: the gateway is in every request's path. To add an endpoint: one file in routes/ with
`async def name(gateway, exchange)`, and its line in ROUTES or BELOW.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from polychat.compat.face import OPENAI_ERRORS, ErrorShape
from polychat.compat.ollama.errors import OLLAMA_ERRORS
from polychat.compat.responses.errors import RESPONSES_ERRORS
from polychat.errors import DatabaseUnavailable, MethodNotAllowed, PlatformError, ReplicaError, UnknownRoute
from polychat.gateway import retention
from polychat.gateway.answers import usage_of
from polychat.gateway.exchange import ClientLeft, Exchange
from polychat.gateway.routes import (
    adapters,
    chat,
    classify,
    completions,
    embeddings,
    health,
    media,
    messages,
    models,
    openapi,
    rerank,
    score,
    tokenize,
)
from polychat.gateway.routes.ollama import catalog as ollama_models
from polychat.gateway.routes.ollama import embedding as ollama_embedding
from polychat.gateway.routes.ollama import generation as ollama
from polychat.gateway.routes.responses import counting as response_tokens
from polychat.gateway.routes.responses import create as responses
from polychat.gateway.routes.responses import stored as stored_responses
from polychat.gateway.state import Gateway
from polychat.gateway.upstream import SWEEP_S

log = logging.getLogger(__name__)

Handler = Callable[[Gateway, Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API."""

    methods: Mapping[str, Handler] = field(default_factory=dict)
    errors: ErrorShape = OPENAI_ERRORS
    is_open: bool = False  # needs no key
    begin: Callable[[Exchange], None] | None = None  # comes before anything that can fail

    @property
    def allowed(self) -> str:
        """The value of an Allow header."""
        names = [
            name for method in self.methods for name in ((method, "HEAD") if method == "GET" else (method,))
        ]
        return ", ".join([*names, "OPTIONS"])


ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "/v1/chat/completions": Route({"POST": chat.chat}),
        "/v1/completions": Route({"POST": completions.completions}),
        "/v1/embeddings": Route({"POST": embeddings.embeddings}),
        **dict.fromkeys(("/v1/rerank", "/rerank", "/v2/rerank"), Route({"POST": rerank.rerank})),
        **dict.fromkeys(("/v1/score", "/score"), Route({"POST": score.score})),
        **dict.fromkeys(("/v1/classify", "/classify"), Route({"POST": classify.classify})),
        "/v1/responses": Route({"POST": responses.create}, RESPONSES_ERRORS),
        "/v1/responses/input_tokens": Route({"POST": response_tokens.input_tokens}, RESPONSES_ERRORS),
        "/v1/messages": Route({"POST": messages.create}, begin=messages.begin),
        "/v1/messages/count_tokens": Route({"POST": messages.count_tokens}, begin=messages.begin),
        "/v1/audio/transcriptions": Route({"POST": media.transcriptions}),
        "/v1/audio/translations": Route({"POST": media.translations}),
        "/v1/audio/speech": Route({"POST": media.speech}),
        "/v1/images/generations": Route({"POST": media.images}),
        "/v1/images/edits": Route({"POST": media.image_edits}),
        "/v1/images/variations": Route({"POST": media.image_variations}),
        "/v1/models": Route({"GET": models.list_models}, begin=messages.begin_if_asked),
        "/api/chat": Route({"POST": ollama.chat}, OLLAMA_ERRORS),
        "/api/generate": Route({"POST": ollama.generate}, OLLAMA_ERRORS),
        "/api/embed": Route({"POST": ollama_embedding.embed}, OLLAMA_ERRORS),
        "/api/embeddings": Route({"POST": ollama_embedding.embed_one}, OLLAMA_ERRORS),
        "/api/tags": Route({"GET": ollama_models.tags}, OLLAMA_ERRORS),
        "/api/ps": Route({"GET": ollama_models.running}, OLLAMA_ERRORS),
        "/api/show": Route({"POST": ollama_models.show}, OLLAMA_ERRORS),
        "/api/version": Route({"GET": ollama_models.version}, OLLAMA_ERRORS),
        "/api/pull": Route({"POST": ollama_models.pull}, OLLAMA_ERRORS),
        "/api/create": Route({"POST": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/api/copy": Route({"POST": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/api/delete": Route({"DELETE": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/api/push": Route({"POST": ollama_models.managed_elsewhere}, OLLAMA_ERRORS),
        "/v1/load_lora_adapter": Route({"POST": adapters.load}),
        "/v1/unload_lora_adapter": Route({"POST": adapters.unload}),
        "/tokenize": Route({"POST": tokenize.tokenize}),
        "/detokenize": Route({"POST": tokenize.detokenize}),
        "/openapi.json": Route({"GET": openapi.document}, is_open=True),
        "/docs": Route({"GET": openapi.docs}, is_open=True),
        "/health": Route({"GET": health.health}, is_open=True),
        "/": Route({"GET": health.front_door}, is_open=True),
    }
)
BELOW: Mapping[str, Route] = MappingProxyType(
    {  # everything below a path that ends with a slash
        stored_responses.PREFIX: Route(
            dict.fromkeys(("GET", "POST", "DELETE"), stored_responses.below), RESPONSES_ERRORS
        ),
        "/v1/messages/": Route(begin=messages.begin),  # unknown, and told so as its clients expect
        # Ids of models hold slashes.
        "/v1/models/": Route({"GET": models.retrieve_model}, begin=messages.begin_if_asked),
        "/api/blobs/": Route(
            {"POST": ollama_models.managed_elsewhere, "GET": ollama_models.managed_elsewhere}, OLLAMA_ERRORS
        ),
        "/api/": Route(errors=OLLAMA_ERRORS),  # unknown, and told so as its clients expect
    }
)
NOWHERE = Route()


def create(gateway: Gateway) -> ASGIApp:
    """The application. Its lifespan follows the controller."""
    app: ASGIApp = _App(gateway)
    if origins := gateway.settings.allowed_origins:
        app = CORSMiddleware(
            app,
            allow_origins=list(origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "request-id", "retry-after"],
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
            exchange.journey.replica_id or "-",
            usage_of(exchange.journey.tail) or "-",
            outcome,
        )


async def _route(gateway: Gateway, exchange: Exchange) -> None:
    path, method = exchange.path, exchange.method
    route = ROUTES.get(path) or _below(path)
    exchange.errors = route.errors
    if route.begin is not None:
        route.begin(exchange)
    if not route.is_open:
        gateway.keys.check(exchange.header(b"authorization"), exchange.header(b"x-api-key"))
    if not route.methods:
        raise UnknownRoute(method, path)
    handler = route.methods.get("GET" if method == "HEAD" else method)
    if handler is not None:
        await handler(gateway, exchange)
    elif method == "OPTIONS":
        await exchange.empty(headers={"allow": route.allowed})
    else:
        raise MethodNotAllowed(method, path, route.allowed)


def _below(path: str) -> Route:
    return next((route for prefix, route in BELOW.items() if path.startswith(prefix)), NOWHERE)


async def _live(gateway: Gateway, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "lifespan.startup"
    async with _running(gateway):
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def _running(gateway: Gateway) -> AsyncIterator[None]:
    """Follow the controller and look after connections while the block runs."""
    tasks = [
        asyncio.create_task(work)
        for work in (gateway.controller.run(), _sweep(gateway), retention.run(gateway))
    ]
    for task in tasks:
        task.add_done_callback(_end_process_if_broken)
    try:
        yield
    finally:
        await _end_background(gateway)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        gateway.upstream.close()
        await gateway.database.close()


async def _end_background(gateway: Gateway) -> None:
    """Connections have been drained by now; what is left of the time is for answers that nobody waits for."""
    if cut := await gateway.background.stop(drain_timeout_s=gateway.settings.drain_timeout_s):
        with contextlib.suppress(DatabaseUnavailable):
            await gateway.responses.give_up(cut)


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
