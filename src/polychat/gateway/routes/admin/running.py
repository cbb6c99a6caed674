"""GET /admin/replicas and /admin/requests: what this gateway sees and does now."""

import asyncio

import msgspec

from polychat.gateway import together
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway
from polychat.routing.breaker import Breakers
from polychat.routing.replica import Replica
from polychat.schema.answers import admin as answers


async def replicas(gateway: Gateway, exchange: Exchange) -> None:
    now_s, breakers = asyncio.get_running_loop().time(), gateway.dispatcher.breakers
    data = [_replica(replica, breakers, now_s) for replica in gateway.registry]
    await exchange.json(msgspec.json.encode(answers.ReplicaList(data=data)))


async def requests(gateway: Gateway, exchange: Exchange) -> None:
    """The oldest first."""
    data = await together.running(gateway)
    await exchange.json(msgspec.json.encode(answers.RunningList(data=data)))


def _replica(replica: Replica, breakers: Breakers, now_s: float) -> answers.ReplicaFacts:
    return answers.ReplicaFacts(
        id=replica.id,
        url=replica.url,
        model=replica.model,
        names=list(replica.names),
        adapters=list(replica.adapters),
        engine=replica.engine,
        state=replica.state.value,
        detail=replica.detail,
        context_length=replica.context_length,
        running=replica.load.running,
        waiting=replica.load.waiting,
        slots=replica.load.slots,
        kv_cache_usage=replica.load.kv_cache_usage,
        failures=breakers.failures(replica.id),
        set_aside_s=max(0.0, breakers.opens_s(replica.id) - now_s),
    )
