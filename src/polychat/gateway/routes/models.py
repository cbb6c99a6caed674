"""GET /v1/models and /v1/models/{id}: every name under which a replica answers."""

import msgspec

from polychat.errors import UnknownModel
from polychat.gateway.exchange import Exchange
from polychat.gateway.state import Gateway
from polychat.routing.replica import Replica, ReplicaState


async def list_models(gateway: Gateway, exchange: Exchange) -> None:
    """Every name that a ready replica answers to: what is listed can be used at once."""
    cards: dict[str, dict[str, object]] = {}
    for replica in gateway.registry:
        if replica.state is ReplicaState.READY:
            for name in replica.names:
                cards.setdefault(name, _card(name, replica))
    await exchange.json(msgspec.json.encode({"object": "list", "data": list(cards.values())}))


async def retrieve_model(gateway: Gateway, exchange: Exchange) -> None:
    """One model, also while it is starting."""
    name = exchange.path.removeprefix("/v1/models/")
    replicas = gateway.registry.named(name)
    if name and not replicas:
        raise UnknownModel(name)
    if name:
        await exchange.json(msgspec.json.encode(_card(name, replicas[0])))
    else:
        await list_models(gateway, exchange)


def _card(name: str, replica: Replica) -> dict[str, object]:
    return {
        "id": name,
        "object": "model",
        "created": replica.created,
        "owned_by": "polychat",
        "root": replica.model,
        "parent": None,
        "max_model_len": replica.context_length,
    }
