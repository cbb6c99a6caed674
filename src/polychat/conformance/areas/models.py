"""/v1/models: what there is."""

from urllib.parse import quote

from polychat.conformance.applies import ANY
from polychat.conformance.departure import Json, NotApplicable, at, count, equal, require, text
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target, error_of

scenario = Area("models", route=ANY)


@scenario("the list holds model objects, this model among them")
async def listed(t: Target) -> None:
    answer = (await t.get("/v1/models")).ok()
    equal(at(answer, "object"), "list", "object")
    for card in at(answer, "data"):
        _check(card)
    ids = [card["id"] for card in answer["data"]]
    require(t.model in ids, f"{t.model!r} in the list", ids)


@scenario("one model is found by its id")
async def retrieved(t: Target) -> None:
    card = (await t.get(f"/v1/models/{t.model}")).ok()
    _check(card)
    equal(card["id"], t.model, "id")


@scenario("an id with its slashes escaped is found too, as SDKs send it")
async def retrieved_escaped(t: Target) -> None:
    equal(at((await t.get(f"/v1/models/{quote(t.model, safe='')}")).ok(), "id"), t.model, "id")


@scenario("an unknown id is a 404 with code model_not_found")
async def unknown(t: Target) -> None:
    error = error_of(await t.get("/v1/models/no-such/model-at-all"), 404)
    equal(error["code"], "model_not_found", "code")


@scenario("a model's card tells its context length, routes and features (polychat's own promise)")
async def described(t: Target) -> None:
    if not t.is_polychat:
        raise NotApplicable("only polychat promises it")
    card = (await t.get(f"/v1/models/{t.model}")).ok()
    for name in ("max_model_len", "endpoints", "features"):
        at(card, name)
    require(card["endpoints"], "at least one route in 'endpoints'", card)


def _check(card: Json) -> None:
    text(at(card, "id"), "id")
    equal(at(card, "object"), "model", "object")
    count(at(card, "created"), "created")
    text(at(card, "owned_by"), "owned_by")
