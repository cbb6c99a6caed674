"""What went before a request: the chain of `previous_response_id`, and items named by their id."""

from polychat.compat.responses.items import Json, is_reference, owner_of
from polychat.compat.responses.requests import CountRequest
from polychat.compat.responses.response import UNFINISHED
from polychat.errors import RequestError
from polychat.gateway.response_store import Record, ResponseStore


async def history(store: ResponseStore, request: CountRequest, *, owner: str) -> list[Json]:
    """Every item of the responses before this one, oldest first.

    Raises:
        RequestError: the previous response is unknown, another's, or not usable.
    """
    last = request.previous_response_id
    if last is None:
        return []
    chain = await store.chain(last, owner=owner)
    _require_whole(chain, last)
    return [item for record in chain for item in (*record.input_items, *record.response["output"])]


async def resolved(store: ResponseStore, items: list[Json], *, owner: str) -> list[Json]:
    """The items, each reference replaced by what it names.

    Raises:
        RequestError: there is no such item, or it is another's.
    """
    return [await _referenced(store, item, owner) if is_reference(item) else item for item in items]


async def _referenced(store: ResponseStore, reference: Json, owner: str) -> Json:
    response_id = owner_of(reference["id"])
    record = await store.get(response_id, owner=owner) if response_id else None
    known = (*record.input_items, *record.response["output"]) if record else ()
    for item in known:
        if item["id"] == reference["id"]:
            found: Json = item
            return found
    error = RequestError(f"Item with id {reference['id']!r} not found.", param="input")
    error.status = 404
    raise error


def _require_whole(chain: list[Record], last: str) -> None:
    missing = chain[0].response["previous_response_id"] if chain else last
    if missing is not None:
        error = RequestError(
            f"Previous response with id {missing!r} not found.", param="previous_response_id"
        )
        error.status, error.code = 404, "previous_response_not_found"
        raise error
    if chain[-1].response["status"] in UNFINISHED:
        raise RequestError(
            f"The previous response {last!r} is not finished; wait until it is.", param="previous_response_id"
        )
