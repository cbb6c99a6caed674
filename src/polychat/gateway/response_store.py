"""Responses in the database, as the API shows them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from polychat.compat.responses import response as shown
from polychat.compat.responses.items import Json, is_response_id
from polychat.compat.responses.response import UNFINISHED
from polychat.db.responses import Responses, StoredResponse
from polychat.gateway.background import LOST_AFTER_S

_LOST = "The gateway that made this response has ended before it was finished. Ask again."
_STOPPED = "The gateway was stopped before this response was finished. Ask again."


@dataclass(frozen=True, slots=True)
class Record:
    """One stored response."""

    owner: str
    response: Json
    input_items: Sequence[Json]

    @property
    def id(self) -> str:
        return str(self.response["id"])


class ResponseStore:
    """Where responses are kept. Every method raises DatabaseUnavailable when that does not work now."""

    def __init__(self, table: Responses) -> None:
        self._table = table

    async def save(self, record: Record) -> None:
        await self._table.save(_row(record))

    async def finish(self, record: Record) -> None:
        """Save it, unless it was cancelled or deleted meanwhile."""
        await self._table.change(_row(record), only_from=UNFINISHED)

    async def get(self, id_: str, *, owner: str) -> Record | None:
        """The response; one that nobody works on any more has failed."""
        row = await self._table.get(id_, owner=owner) if is_response_id(id_) else None
        if row is None:
            return None
        record = _record(row)
        if row.status in UNFINISHED and row.updated_at < time.time() - LOST_AFTER_S:
            record = replace(record, response=shown.failed(record.response, message=_LOST))
            await self.finish(record)
        return record

    async def chain(self, id_: str, *, owner: str) -> list[Record]:
        """The response and those before it, oldest first."""
        if not is_response_id(id_):
            return []
        return [_record(row) for row in await self._table.chain(id_, owner=owner)]

    async def cancel(self, record: Record) -> Record:
        """The response as it is now: cancelled, if it was not finished."""
        cancelled = replace(record, response=record.response | {"status": "cancelled"})
        if await self._table.change(_row(cancelled), only_from=UNFINISHED):
            return cancelled
        return await self.get(record.id, owner=record.owner) or cancelled

    async def delete(self, id_: str, *, owner: str) -> bool:
        return await self._table.delete(id_, owner=owner)

    async def speak_for(self, ids: frozenset[str]) -> frozenset[str]:
        """Say that this gateway works on them; those that are still meant to run."""
        return await self._table.touch(ids, now_s=time.time(), only_from=UNFINISHED)

    async def give_up(self, ids: frozenset[str]) -> None:
        """They were cut when this gateway stopped."""
        for row in await self._table.of_ids(ids):
            record = _record(row)
            await self.finish(replace(record, response=shown.failed(record.response, message=_STOPPED)))

    async def forget(self, *, older_than_days: int) -> int:
        """Delete what is older; how many."""
        return await self._table.remove_older(than_s=time.time() - older_than_days * 86_400)


def _row(record: Record) -> StoredResponse:
    response = record.response
    return StoredResponse(
        id=response["id"],
        owner=record.owner,
        model=response["model"],
        created_at=response["created_at"],
        updated_at=time.time(),
        status=response["status"],
        previous_response_id=response["previous_response_id"],
        response=msgspec.json.encode(response).decode(),
        input_items=msgspec.json.encode(record.input_items).decode(),
    )


def _record(row: StoredResponse) -> Record:
    return Record(row.owner, msgspec.json.decode(row.response), msgspec.json.decode(row.input_items))
