"""What models there are (/api/tags, ps, show), the version, and what only the command line does."""

from collections.abc import Callable

import msgspec

from polychat.compat.ollama import API_VERSION, cards, requests
from polychat.errors import NotOffered, UnknownModel
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json
from polychat.gateway.routes.ollama.names import served_name
from polychat.gateway.state import Gateway
from polychat.routing.replica import Replica

Card = Callable[[str, Replica], dict[str, object]]


async def tags(gateway: Gateway, exchange: Exchange) -> None:
    """Every name that a ready replica answers to, as GET /v1/models lists them."""
    await _list(gateway, exchange, cards.tag)


async def running(gateway: Gateway, exchange: Exchange) -> None:
    """The same: what is served is in memory."""
    await _list(gateway, exchange, cards.running)


async def show(gateway: Gateway, exchange: Exchange) -> None:
    name = served_name(gateway, requests.parse_named(await read_json(gateway, exchange)).model)
    await exchange.json(msgspec.json.encode(cards.show(name, _replica(gateway, exchange, name))))


async def version(gateway: Gateway, exchange: Exchange) -> None:
    await exchange.json(msgspec.json.encode({"version": API_VERSION}))


async def pull(gateway: Gateway, exchange: Exchange) -> None:
    """Success for a model that is there; clients pull before they ask."""
    request = requests.parse_pull(await read_json(gateway, exchange))
    _replica(gateway, exchange, served_name(gateway, request.model))
    done = msgspec.json.encode({"status": "success"})
    if request.stream is False:
        await exchange.json(done)
    else:
        lines = msgspec.json.encode({"status": "pulling manifest"}) + b"\n" + done + b"\n"
        await exchange.answer(lines, content_type="application/x-ndjson")


async def managed_elsewhere(gateway: Gateway, exchange: Exchange) -> None:
    raise NotOffered(
        f"{exchange.path} is not offered: models are managed with the polychat command line, "
        "such as `polychat up MODEL` and `polychat worker MODEL`."
    )


async def _list(gateway: Gateway, exchange: Exchange, card: Card) -> None:
    ready = {
        name: [replica for replica in replicas if replica.state.takes_requests]
        for name, replicas in gateway.registry.by_name().items()
        if exchange.journey.caller.may_use(name, gateway.registry.meant(name))
    }
    models = [card(name, replicas[0]) for name, replicas in ready.items() if replicas]
    await exchange.json(msgspec.json.encode({"models": models}))


def _replica(gateway: Gateway, exchange: Exchange, name: str) -> Replica:
    replicas = gateway.registry.named(name)
    if not (replicas and exchange.journey.caller.may_use(name, gateway.registry.meant(name))):
        raise UnknownModel(name)
    return replicas[0]
