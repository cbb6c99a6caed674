"""GET /health and /: whether the gateway lives, which needs no key, and what it is."""

import msgspec

from polychat import __version__
from polychat.gateway import together
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway
from polychat.routing.replica import ReplicaState


async def health(gateway: Gateway, exchange: Exchange) -> None:
    """200 for as long as the process answers; the counts say what it can do."""
    ready = [replica for replica in gateway.registry if replica.state is ReplicaState.READY]
    counted = await together.counted(gateway)
    facts = {
        "status": "ok",
        "controller_connected": gateway.controller.is_connected,
        "models_ready": len({replica.model for replica in ready}),
        "replicas": len(gateway.registry),
        "replicas_ready": len(ready),
        "in_flight": counted.in_flight,
        "waiting": counted.waiting,
    }
    await exchange.json(msgspec.json.encode(facts))


async def front_door(gateway: Gateway, exchange: Exchange) -> None:
    """For whoever opens the address in a browser."""
    facts = {
        "name": "polychat",
        "version": __version__,
        "api": "OpenAI-compatible, under /v1",
        "models": "/v1/models",
        "health": "/health",
    }
    await exchange.json(msgspec.json.encode(facts))
