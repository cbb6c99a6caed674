"""POST /v1/responses: as chat completions, on whatever engine; streamed, whole or in the background."""

import contextlib
from collections.abc import Awaitable, Callable

import msgspec

from polychat.compat.responses.asks import chat_request
from polychat.compat.responses.errors import errors_of, own
from polychat.errors import (
    ContextLengthExceeded,
    DatabaseUnavailable,
    NoReplicaAvailable,
    PlatformError,
    RequestError,
)
from polychat.gateway.exchange import Exchange
from polychat.gateway.journey import Journey
from polychat.gateway.routes.inference import infer_as_chat, read_json, view_of
from polychat.gateway.routes.responses.job import Job, prepared
from polychat.gateway.routes.responses.sinks import Kept, ToClient, Watched
from polychat.gateway.state import Gateway
from polychat.schema.validation import parse_chat
from polychat.types import Endpoint


async def create(gateway: Gateway, exchange: Exchange) -> None:
    """Make a response.

    Raises:
        PlatformError: the body is no request, or nobody could answer it.
    """
    job = await prepared(gateway, exchange, await read_json(gateway, exchange))
    if job.request.background:
        await _in_background(gateway, exchange, job)
    else:
        await _while_waiting(gateway, exchange, job)


async def _while_waiting(gateway: Gateway, exchange: Exchange, job: Job) -> None:
    async def keep() -> None:
        if job.request.is_stored:
            await gateway.responses.save(job.record)

    exchange.errors = errors_of(job.answer)
    sink = Kept(job.answer, ToClient(exchange), keep=keep)

    async def ask(body: bytes) -> None:
        await infer_as_chat(gateway, exchange, body, sink)

    await _fitting(job, ask)


async def _in_background(gateway: Gateway, exchange: Exchange, job: Job) -> None:
    parse_chat(chat_request(job.request, job.messages))  # what cannot be asked is told at once
    with contextlib.suppress(NoReplicaAvailable):
        gateway.registry.ready(job.request.model, Endpoint.CHAT)
    await gateway.responses.save(job.record)
    watched = Watched(is_watched=bool(job.request.stream))
    gateway.background.start(job.record.id, _work(gateway, exchange.journey, job, watched))
    if job.request.stream:
        await watched.show(exchange)
    else:
        await exchange.json(msgspec.json.encode(job.answer.response | {"status": "queued"}))


async def _work(gateway: Gateway, journey: Journey, job: Job, watched: Watched) -> None:
    async def keep() -> None:
        await gateway.responses.finish(job.record)

    sink = Kept(job.answer, watched, keep=keep)

    async def ask(body: bytes) -> None:
        await gateway.relay.run(journey, body, view_of(Endpoint.CHAT, parse_chat(body)), sink)

    try:
        await watched.write(job.answer.begin())
        await _fitting(job, ask)
    except PlatformError as error:
        await watched.write(job.answer.broken(own(error)))
        with contextlib.suppress(
            DatabaseUnavailable
        ):  # has been logged; once nobody speaks for it, it failed
            await keep()
    finally:
        await watched.end()


async def _fitting(job: Job, ask: Callable[[bytes], Awaitable[None]]) -> None:
    """Ask; with truncation "auto" again without the oldest messages, until the model can take the rest."""
    while True:
        try:
            return await ask(chat_request(job.request, job.messages))
        except RequestError as error:
            is_too_long = error.code == ContextLengthExceeded.code and job.request.truncation == "auto"
            shorter = job.without_oldest() if is_too_long else None
            if shorter is None:
                raise
            job = shorter
