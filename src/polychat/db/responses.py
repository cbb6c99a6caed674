"""Stored responses: what POST /v1/responses keeps for later turns and retrieval."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polychat.db.database import Database

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Table


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One response. Times are Unix seconds."""

    id: str
    owner: str  # hex SHA-256 of the API key that made it; "" where none is needed
    model: str
    created_at: float
    updated_at: float
    status: str
    previous_response_id: str | None
    response: str  # the Response object's JSON
    input_items: str  # a JSON list


class Responses:
    """The table. Every method raises DatabaseUnavailable when the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, stored: StoredResponse) -> None:
        """Insert it, or replace the one with its id."""
        async with self._database.writing() as connection:
            responses = _table()
            await connection.execute(responses.delete().where(responses.c.id == stored.id))
            await connection.execute(responses.insert().values(**_values(stored)))

    async def change(self, stored: StoredResponse, *, only_from: frozenset[str]) -> bool:
        """Replace the one with its id if its status is among `only_from`; whether that was so."""
        async with self._database.writing() as connection:
            responses = _table()
            is_meant = (responses.c.id == stored.id) & responses.c.status.in_(only_from)
            done = await connection.execute(responses.update().where(is_meant).values(**_values(stored)))
            return done.rowcount == 1

    async def touch(self, ids: Iterable[str], *, now_s: float, only_from: frozenset[str]) -> frozenset[str]:
        """Note that somebody still works on those whose status is among `only_from`; which these are."""
        async with self._database.writing() as connection:
            responses = _table()
            is_meant = responses.c.id.in_(list(ids)) & responses.c.status.in_(only_from)
            await connection.execute(responses.update().where(is_meant).values(updated_at=now_s))
            rows = (await connection.execute(responses.select().where(is_meant))).mappings()
            return frozenset(row["id"] for row in rows)

    async def get(self, id_: str, *, owner: str) -> StoredResponse | None:
        async with self._database.reading() as connection:
            responses = _table()
            is_meant = (responses.c.id == id_) & (responses.c.owner == owner)
            row = (await connection.execute(responses.select().where(is_meant))).mappings().first()
            return None if row is None else _stored(row)

    async def of_ids(self, ids: Iterable[str]) -> list[StoredResponse]:
        """Those of them that are there, whoever owns them."""
        async with self._database.reading() as connection:
            responses = _table()
            found = await connection.execute(responses.select().where(responses.c.id.in_(list(ids))))
            return [_stored(row) for row in found.mappings()]

    async def chain(self, id_: str, *, owner: str) -> list[StoredResponse]:
        """The response and all that went before it, oldest first; it ends where one has been deleted."""
        async with self._database.reading() as connection:
            responses = _table()
            last = responses.select().where((responses.c.id == id_) & (responses.c.owner == owner))
            found = last.cte("found", recursive=True)
            before = responses.select().where(
                (responses.c.id == found.c.previous_response_id) & (responses.c.owner == owner)
            )
            rows = (await connection.execute(found.union(before).select())).mappings()
            return _in_order({row["id"]: _stored(row) for row in rows}, id_)

    async def delete(self, id_: str, *, owner: str) -> bool:
        """Whether it was there."""
        async with self._database.writing() as connection:
            responses = _table()
            is_meant = (responses.c.id == id_) & (responses.c.owner == owner)
            return (await connection.execute(responses.delete().where(is_meant))).rowcount == 1

    async def remove_older(self, *, than_s: float) -> int:
        """Delete what was made before the Unix time `than_s`; how many."""
        async with self._database.writing() as connection:
            responses = _table()
            is_old = responses.c.created_at < than_s
            return (await connection.execute(responses.delete().where(is_old))).rowcount


def _table() -> "Table":
    from polychat.db.tables import responses  # only once the database is open: see the package

    return responses


def _values(stored: StoredResponse) -> dict[str, str | float | None]:
    return {name: getattr(stored, name) for name in StoredResponse.__slots__}


def _stored(row: "RowMapping") -> StoredResponse:
    return StoredResponse(**{name: row[name] for name in StoredResponse.__slots__})


def _in_order(found: dict[str, StoredResponse], last: str) -> list[StoredResponse]:
    ordered: list[StoredResponse] = []
    following: str | None = last
    while following is not None and following in found:
        ordered.append(found[following])
        following = ordered[-1].previous_response_id
    return ordered[::-1]
