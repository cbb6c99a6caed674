"""POST /v1/load_lora_adapter and /v1/unload_lora_adapter: a model's adapters, while it runs.

An engine keeps its adapters in its own memory, so each replica of the model is told.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from polychat.errors import (
    NoReplicaAvailable,
    NotOffered,
    PlatformError,
    ReplicaUnavailable,
    RequestError,
    UnknownModel,
)
from polychat.gateway.answers import error_of, reason_of
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json
from polychat.gateway.state import Gateway
from polychat.gateway.upstream import labels_for
from polychat.gateway.wire import UpstreamError
from polychat.routing.replica import Replica, ReplicaState
from polychat.schema.adapters import LoadAdapterRequest, UnloadAdapterRequest
from polychat.schema.validation import parser_of
from polychat.types import Endpoint

_parse_load = parser_of(LoadAdapterRequest)
_parse_unload = parser_of(UnloadAdapterRequest)


async def load(gateway: Gateway, exchange: Exchange) -> None:
    request = _parse_load(await read_json(gateway, exchange))
    replicas = _taking(gateway, request.model, Endpoint.LOAD_ADAPTER)
    body = msgspec.structs.asdict(request)
    changed = [
        replace(replica, adapters=tuple(dict.fromkeys((*replica.adapters, request.lora_name))))
        for replica in replicas
    ]
    await _tell(gateway, exchange, Endpoint.LOAD_ADAPTER, body, changed)
    await _succeeded(exchange, f"LoRA adapter '{request.lora_name}' added successfully.")


async def unload(gateway: Gateway, exchange: Exchange) -> None:
    request = _parse_unload(await read_json(gateway, exchange))
    replicas = _taking(gateway, request.model, Endpoint.UNLOAD_ADAPTER)
    having = [replica for replica in replicas if request.lora_name in replica.adapters]
    if not having:
        raise UnknownModel(request.lora_name)
    body = msgspec.structs.asdict(request)
    changed = [
        replace(replica, adapters=tuple(name for name in replica.adapters if name != request.lora_name))
        for replica in having
    ]
    await _tell(gateway, exchange, Endpoint.UNLOAD_ADAPTER, body, changed)
    await _succeeded(exchange, f"LoRA adapter '{request.lora_name}' removed successfully.")


def _taking(gateway: Gateway, model: str | None, endpoint: Endpoint) -> list[Replica]:
    """The ready replicas of one model that take adapters, at least one."""
    taking = [replica for replica in gateway.registry if endpoint in replica.endpoints]
    if model is not None:
        return gateway.registry.ready(model, endpoint)
    models = sorted({replica.model for replica in taking})
    if not models:
        raise NotOffered(f"{endpoint} is not offered: no model here was started with --allow-lora-updates.")
    if len(models) > 1:
        raise RequestError(
            f"Several models take adapters; name one of {', '.join(models)} in 'model'.", param="model"
        )
    ready = [replica for replica in taking if replica.state is ReplicaState.READY]
    if not ready:
        raise NoReplicaAvailable(models[0])
    return ready


async def _tell(
    gateway: Gateway,
    exchange: Exchange,
    endpoint: Endpoint,
    body: dict[str, object],
    changed: Sequence[Replica],
) -> None:
    """Tell each replica; those that did as told are known to this gateway at once as they are now.

    Raises:
        PlatformError: the first refusal.
    """
    sent = msgspec.json.encode({name: value for name, value in body.items() if value and name != "model"})
    outcomes = await asyncio.gather(
        *(_ask(gateway, exchange, replica, endpoint, sent) for replica in changed), return_exceptions=True
    )
    for replica, outcome in zip(changed, outcomes, strict=True):
        if outcome is None and (known := gateway.registry.get(replica.id)) is not None:
            gateway.registry.put(replace(known, adapters=replica.adapters))
    gateway.dispatcher.registry_changed()
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _ask(
    gateway: Gateway, exchange: Exchange, replica: Replica, endpoint: Endpoint, body: bytes
) -> None:
    labels = labels_for(replica, exchange.request_id)
    try:
        with await gateway.upstream.post(replica.url, endpoint, body, labels) as response:
            answer = await response.read_all()
    except UpstreamError as exc:
        raise ReplicaUnavailable(f"A replica of {replica.model!r} could not be told: {exc}.") from exc
    if response.status != 200:
        raise _error(response.status, answer, replica, endpoint)


def _error(status: int, answer: bytes, replica: Replica, endpoint: Endpoint) -> PlatformError:
    """An adapter that is not where the client says is the client's to mend, like one that does not fit."""
    if status == 404:
        error = RequestError(reason_of(status, answer), param="lora_path")
        error.status = 404
        return error
    return error_of(status, answer, endpoint)


async def _succeeded(exchange: Exchange, what: str) -> None:
    await exchange.answer(f"Success: {what}".encode(), content_type="text/plain; charset=utf-8")
