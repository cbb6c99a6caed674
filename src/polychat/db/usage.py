"""What has been used, by whom and of which model: sums for each day, added in batches that count once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from polychat.db.database import Database

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping, Table
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.ext.asyncio import AsyncConnection

Part = Literal["day", "key", "model", "endpoint", "outcome"]
"""What sums can be told apart by."""

OUTCOMES = ("answered", "refused", "failed", "cancelled")
_COLUMNS: Mapping[Part, str] = {
    "day": "day",
    "key": "key_id",
    "model": "model",
    "endpoint": "endpoint",
    "outcome": "outcome",
}
PARTS = tuple(_COLUMNS)


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Where requests are counted. `day` is UTC, YYYY-MM-DD; "": not told apart by that."""

    day: str = ""
    key_id: str = ""  # or nobody in particular
    model: str = ""  # or none that there is
    endpoint: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the requests of one account, or of several together."""

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompts'
    completion_tokens: int = 0
    num_ttft: int = 0  # requests that had a first token
    ttft_s: float = 0.0
    duration_s: float = 0.0
    engine_s: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in SUMS))


SUMS = tuple(each.name for each in fields(Sums))


@dataclass(frozen=True, slots=True)
class Batch:
    """What one writer adds at once. Of two batches with the same writer and number only one counts."""

    writer: str  # one life of one process
    number: int  # counts up, batch by batch: of one writer they must be added in order
    sums: Mapping[Account, Sums]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which usage somebody asks for. None: all."""

    since_day: str | None = None
    until_day: str | None = None  # that day too
    key_ids: Collection[str] | None = None
    models: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What one key has used."""

    tokens: int = 0
    engine_s: float = 0.0


class Usage:
    """The table. Every method raises DatabaseUnavailable when the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, batch: Batch, *, now_s: float) -> bool:
        """Count it, unless that has been done; whether it was now."""
        async with self._database.writing() as connection:
            if not await _is_new(connection, batch, now_s):
                return False
            await _count(connection, batch.sums)
            return True

    async def totals(self, by: Sequence[Part], wanted: Wanted) -> dict[Account, Sums]:
        """The sums of what is `wanted`, told apart by `by`, in order."""
        async with self._database.reading() as connection:
            from sqlalchemy import func, select

            usage = _usage()
            parts = [usage.c[_COLUMNS[part]] for part in by]
            sums = [func.sum(usage.c[name]).label(name) for name in SUMS]
            asked = select(*parts, *sums).where(*_conditions(usage, wanted)).group_by(*parts)
            rows = (await connection.execute(asked)).mappings().all()
            found = {_account(by, row): _sums(row) for row in rows if row["requests"] is not None}
            return dict(sorted(found.items()))

    async def used(self, key_ids: Iterable[str], *, since_day: str) -> dict[str, Used]:
        """What each of the keys has used since the day began, of those that have used anything."""
        totals = await self.totals(["key"], Wanted(since_day=since_day, key_ids=list(key_ids)))
        return {
            account.key_id: Used(sums.prompt_tokens + sums.completion_tokens, sums.engine_s)
            for account, sums in totals.items()
        }

    async def key_names(self) -> dict[str, str]:
        """The names of all keys that there are, by id."""
        async with self._database.reading() as connection:
            from sqlalchemy import select

            from polychat.db.tables import keys

            rows = await connection.execute(select(keys.c.id, keys.c.name))
            return {row.id: row.name for row in rows}

    async def forget_writers(self, *, before_s: float) -> int:
        """Delete the marks of writers that have added nothing since; how many."""
        async with self._database.writing() as connection:
            batches = _batches()
            is_old = batches.c.written_at < before_s
            return (await connection.execute(batches.delete().where(is_old))).rowcount


async def _is_new(connection: "AsyncConnection", batch: Batch, now_s: float) -> bool:
    """Mark the batch as added. Of each writer the last two marks are kept.

    A gateway that ends leaves at most two batches, one after the other, and both come again when its
    successor is stopped between them.
    """
    batches = _batches()
    values = {"writer": batch.writer, "number": batch.number, "written_at": now_s}
    mark = _insert(connection, batches).values(**values).on_conflict_do_nothing()
    if (await connection.execute(mark)).rowcount == 0:
        return False
    is_older = (batches.c.writer == batch.writer) & (batches.c.number < batch.number - 1)
    await connection.execute(batches.delete().where(is_older))
    return True


async def _count(connection: "AsyncConnection", sums: Mapping[Account, Sums]) -> None:
    usage = _usage()
    rows = [_values(account) | _values(sums[account]) for account in sorted(sums)]  # in order: no deadlocks
    if not rows:
        return
    added = _insert(connection, usage)
    total = {name: usage.c[name] + added.excluded[name] for name in SUMS}
    await connection.execute(
        added.on_conflict_do_update(index_elements=list(_COLUMNS.values()), set_=total), rows
    )


def _insert(connection: "AsyncConnection", table: "Table") -> "postgresql.Insert | sqlite.Insert":
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def _conditions(usage: "Table", wanted: Wanted) -> "list[ColumnElement[bool]]":
    conditions: list[ColumnElement[bool]] = []
    if wanted.since_day is not None:
        conditions.append(usage.c.day >= wanted.since_day)
    if wanted.until_day is not None:
        conditions.append(usage.c.day <= wanted.until_day)
    if wanted.key_ids is not None:
        conditions.append(usage.c.key_id.in_(list(wanted.key_ids)))
    if wanted.models is not None:
        conditions.append(usage.c.model.in_(list(wanted.models)))
    return conditions


def _account(by: Sequence[Part], row: "RowMapping") -> Account:
    return Account(**{_COLUMNS[part]: row[_COLUMNS[part]] for part in by})


def _sums(row: "RowMapping") -> Sums:
    """PostgreSQL's sums of integers are decimals."""
    return Sums(
        requests=int(row["requests"]),
        prompt_tokens=int(row["prompt_tokens"]),
        cached_tokens=int(row["cached_tokens"]),
        completion_tokens=int(row["completion_tokens"]),
        num_ttft=int(row["num_ttft"]),
        ttft_s=float(row["ttft_s"]),
        duration_s=float(row["duration_s"]),
        engine_s=float(row["engine_s"]),
    )


def _values(row: Account | Sums) -> dict[str, str | int | float]:
    return {each.name: getattr(row, each.name) for each in fields(row)}


def _usage() -> "Table":
    from polychat.db.tables import usage  # only once the database is open: see the package

    return usage


def _batches() -> "Table":
    from polychat.db.tables import usage_batches

    return usage_batches
