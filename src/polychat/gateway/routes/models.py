"""GET /v1/models and /v1/models/{id}: every name under which a replica answers, and what it can do."""

import asyncio
import logging

import msgspec

from polychat.compat.anthropic import cards as anthropic
from polychat.db.conformance import Conformance, ConformanceResult
from polychat.errors import DatabaseUnavailable, UnknownModel
from polychat.gateway.cards import card, renamed
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.messages import is_anthropics
from polychat.gateway.state import Gateway
from polychat.routing.replica import Replica
from polychat.schema.answers.models import ModelCard, ModelList

log = logging.getLogger(__name__)

DATABASE_TIMEOUT_S = 2.0


async def list_models(gateway: Gateway, exchange: Exchange) -> None:
    """Every name that a ready replica answers to: what is listed can be used at once."""
    cards = [
        _card(gateway, name, replicas)
        for name, replicas in gateway.registry.by_name().items()
        if any(replica.state.takes_requests for replica in replicas)
        and exchange.journey.caller.may_use(name, gateway.registry.meant(name))
    ]
    shown = anthropic.listing(cards) if is_anthropics(exchange) else ModelList(data=cards)
    await exchange.json(msgspec.json.encode(shown))


async def retrieve_model(gateway: Gateway, exchange: Exchange) -> None:
    """One model, also while it is starting."""
    name = exchange.path.removeprefix("/v1/models/")
    replicas = gateway.registry.named(name)
    if name and not (replicas and exchange.journey.caller.may_use(name, gateway.registry.meant(name))):
        raise UnknownModel(name)
    if name:
        result = await _last_conformance(gateway, replicas[0].model)
        found = _card(gateway, name, replicas, result)
        shown = anthropic.shown(found) if is_anthropics(exchange) else found
        await exchange.json(msgspec.json.encode(shown))
    else:
        await list_models(gateway, exchange)


def _card(
    gateway: Gateway, name: str, replicas: list[Replica], result: ConformanceResult | None = None
) -> ModelCard:
    """The card of a model under the name that was asked for; an alias has its model's, but for the id."""
    meant = gateway.registry.meant(name)
    aliases = gateway.settings.aliases
    also = [alias for alias in aliases if aliases[alias] == meant and gateway.registry.meant(alias) == meant]
    shown = card(meant, replicas, result)
    return renamed(shown, name, also) if also else shown


async def _last_conformance(gateway: Gateway, model: str) -> ConformanceResult | None:
    """None too when the database has nothing to say: a model's card must not depend on it."""
    path = gateway.database.address.path
    if path is not None and not path.exists():
        return None
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            return await Conformance(gateway.database).latest(model)
    except (DatabaseUnavailable, TimeoutError) as exc:
        log.warning("%s is shown without its conformance result: %s", model, exc)
        return None
