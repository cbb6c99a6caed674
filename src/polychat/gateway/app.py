"""The gateway's application: finds the route, checks the key, turns errors into OpenAI's envelope.

No framework: the gateway is in every request's path. The routes are in table.py.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

from polychat.errors import DatabaseUnavailable, MethodNotAllowed, PlatformError, ReplicaError, UnknownRoute
from polychat.gateway import cors, patience, request_log, retention, together
from polychat.gateway.exchange import ClientLeft, Exchange
from polychat.gateway.state import Gateway
from polychat.gateway.table import name_of, route_of
from polychat.gateway.upstream import SWEEP_S

CANCEL_TIMEOUT_S = 2.5

log = logging.getLogger(__name__)


def serving(gateway: Gateway) -> Callable[[Exchange], Awaitable[None]]:
    """The function that answers each request."""

    async def serve(exchange: Exchange) -> None:
        await _serve(gateway, exchange)

    return serve


async def _serve(gateway: Gateway, exchange: Exchange) -> None:
    started_s = asyncio.get_running_loop().time()
    why = ""
    try:
        await _route(gateway, exchange)
    except ClientLeft:
        why = "the client left"
    except PlatformError as error:
        why = f"{type(error).__name__}: {error}"
        await exchange.error(error)
    except asyncio.CancelledError:  # the drain timeout is over; this is the task's outermost frame
        why = "cut off by shutdown"
        await exchange.error(ReplicaError("The gateway is shutting down."))
    except Exception:  # the outermost frame of a request: a bug, which must not take others with it
        log.exception("a bug in %s %s (%s)", exchange.method, exchange.path, exchange.request_id)
        why = "a bug"
        await exchange.error(PlatformError("Something went wrong in the gateway; its log has the details."))
    gateway.metrics.note_http(name_of(exchange.path), exchange.method, exchange.status)
    took_s = asyncio.get_running_loop().time() - started_s
    request_log.note(exchange, why, took_s=took_s, which=gateway.settings.request_log)


async def _route(gateway: Gateway, exchange: Exchange) -> None:
    path, method = exchange.path, exchange.method
    if origins := gateway.settings.allowed_origins:
        exchange.headers += (page := cors.Page.of(exchange, origins)).headers
        if page.asks_first:
            await exchange.empty(headers=page.permissions)
            return
    route = route_of(path)
    exchange.errors = route.errors
    if route.begin is not None:
        route.begin(exchange)
    if not (route.is_open or route.checks_itself):
        exchange.journey.caller = gateway.keys.check(
            exchange.header(b"authorization"), exchange.header(b"x-api-key")
        )
        route.require_role(exchange.journey.caller, are_keys_required=gateway.keys.are_required)
        exchange.journey.came_with = exchange.header(b"traceparent").decode("latin-1")
        _note_hurry(exchange)
        exchange.late_headers = lambda: gateway.quota.headers(exchange.journey.caller)
    if not route.methods:
        raise UnknownRoute(method, path)
    handler = route.methods.get("GET" if method == "HEAD" else method)
    if handler is not None:
        await handler(gateway, exchange)
    elif method == "OPTIONS":
        await exchange.empty(headers={"allow": route.allowed})
    else:
        raise MethodNotAllowed(method, path, route.allowed)


def _note_hurry(exchange: Exchange) -> None:
    journey, now_s = exchange.journey, asyncio.get_running_loop().time()
    hurry = patience.read(exchange.request_headers, own=journey.caller.priority, now_s=now_s)
    journey.deadline_s, journey.priority = hurry
    journey.session = exchange.header(b"x-session-id").decode("latin-1")


@contextlib.asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[None]:
    """Follow the controller and look after connections while the block runs."""
    await gateway.key_feed.load()
    await gateway.budgets.load()
    tasks = [
        asyncio.create_task(work)
        for work in (
            gateway.controller.run(),
            _sweep(gateway),
            retention.run(gateway),
            gateway.journal.run(),
            gateway.key_feed.run(),
            gateway.budgets.run(),
            gateway.hits.run(),
            together.run(gateway),
        )
    ]
    for task in tasks:
        task.add_done_callback(_end_process_if_broken)
    try:
        yield
    finally:
        await _end_background(gateway)
        await gateway.journal.close()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_TIMEOUT_S)  # a database that hangs does not let go at once
        gateway.upstream.close()
        await gateway.database.close()
        gateway.quota.close()
        gateway.counts.close()
        gateway.ledger.close()


async def _end_background(gateway: Gateway) -> None:
    """Connections have been drained by now; what is left of the time is for answers that nobody waits for."""
    if cut := await gateway.background.stop(drain_timeout_s=gateway.settings.drain_timeout_s):
        with contextlib.suppress(DatabaseUnavailable):
            await gateway.responses.give_up(cut)


async def _sweep(gateway: Gateway) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_S)
        gateway.upstream.sweep(gateway.registry, now_s=loop.time())


def _end_process_if_broken(task: "asyncio.Task[None]") -> None:
    """A gateway that has stopped following would send requests to the dead: better restarted."""
    if not task.cancelled() and (exc := task.exception()) is not None:
        log.critical("a bug ended a background task; the gateway ends too", exc_info=exc)
        signal.raise_signal(signal.SIGTERM)
