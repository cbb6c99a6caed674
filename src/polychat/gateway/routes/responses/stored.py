"""What can be done with a stored response: look at it and its input, cancel it, delete it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from polychat.compat.responses.items import Json
from polychat.errors import MethodNotAllowed, RequestError, UnknownResponse, UnknownRoute
from polychat.gateway import together
from polychat.gateway.exchange import Exchange
from polychat.gateway.response_store import Record
from polychat.gateway.state import Gateway

PREFIX = "/v1/responses/"
_MAX_ITEMS = 100


async def below(gateway: Gateway, exchange: Exchange) -> None:
    """Everything under /v1/responses/: an id, and perhaps what to do with it.

    Raises:
        PlatformError: there is no such route or response, or the request does not do.
    """
    id_, _, action = exchange.path.removeprefix(PREFIX).partition("/")
    if not id_ or action not in _ACTIONS:
        raise UnknownRoute(exchange.method, exchange.path)
    methods = _ACTIONS[action]
    act = methods.get("GET" if exchange.method == "HEAD" else exchange.method)
    if act is None:
        raise MethodNotAllowed(exchange.method, exchange.path, ", ".join([*methods, "OPTIONS"]))
    record = await gateway.responses.get(id_, owner=exchange.journey.caller.account)
    if record is None:
        raise UnknownResponse(id_)
    await exchange.json(msgspec.json.encode(await act(gateway, exchange, record)))


async def _retrieve(gateway: Gateway, exchange: Exchange, record: Record) -> Json:
    if exchange.query.get("stream", "false").lower() not in ("false", "0"):
        raise RequestError("A stored response cannot be streamed here; leave 'stream' out.", param="stream")
    return record.response


async def _delete(gateway: Gateway, exchange: Exchange, record: Record) -> Json:
    await gateway.responses.delete(record.id, owner=record.owner)
    await together.cancel(gateway, record.id)
    return {"id": record.id, "object": "response", "deleted": True}


async def _cancel(gateway: Gateway, exchange: Exchange, record: Record) -> Json:
    if not record.response["background"]:
        raise RequestError("Only responses that were made with 'background' set to true can be cancelled.")
    cancelled = await gateway.responses.cancel(record)
    await together.cancel(gateway, record.id)
    return cancelled.response


async def _input_items(gateway: Gateway, exchange: Exchange, record: Record) -> Json:
    query = exchange.query
    items = list(record.input_items)
    if _one_of(query.get("order", "desc"), ("asc", "desc"), name="order") == "desc":
        items.reverse()
    items = _after(items, query.get("after"), name="after")
    items = _after(items[::-1], query.get("before"), name="before")[::-1]
    page = items[: _limit(query.get("limit", "20"))]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(items) > len(page),
    }


def _after(items: Sequence[Json], id_: str | None, *, name: str) -> list[Json]:
    """The items that follow the one with the id; all, if none is named."""
    if id_ is None:
        return list(items)
    for place, item in enumerate(items):
        if item["id"] == id_:
            return list(items[place + 1 :])
    raise RequestError(f"{name!r} names {id_!r}, which is not among the items.", param=name)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= _MAX_ITEMS):
        raise RequestError(
            f"Invalid value for 'limit': {text[:20]!r}; it must be an integer from 1 to {_MAX_ITEMS}.",
            param="limit",
        )
    return int(text[:4])


def _one_of(text: str, allowed: tuple[str, ...], *, name: str) -> str:
    if text not in allowed:
        raise RequestError(
            f"Invalid value for {name!r}: {text[:20]!r}; it must be one of {', '.join(allowed)}.", param=name
        )
    return text


_Action = Callable[[Gateway, Exchange, Record], Awaitable[Json]]
_ACTIONS: Mapping[str, Mapping[str, _Action]] = {
    "": {"GET": _retrieve, "DELETE": _delete},
    "cancel": {"POST": _cancel},
    "input_items": {"GET": _input_items},
}
