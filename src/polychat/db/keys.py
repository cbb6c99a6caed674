"""The keys that open the API, with what each may use; of their secrets there are only hashes."""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from polychat.db.database import Database
from polychat.db.key_secrets import hash_of, shown
from polychat.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

_STEP_S = 1e-3  # between two changes: readers ask for what changed since the last one that they saw
_PEEK_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key. Times are Unix seconds; a limit of 0 is none."""

    id: str  # may be shown; not the secret
    name: str
    hash: str = field(repr=False)
    prefix: str  # the secret's first characters
    owner: str = ""
    role: str = "user"  # or admin
    priority: str = "interactive"  # or batch
    old_hash: str | None = field(default=None, repr=False)  # of the secret before the last rotation
    old_until: float | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    models: tuple[str, ...] = ()  # none: all
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    concurrent: int = 0
    tokens_per_day: int = 0
    tokens_per_month: int = 0
    gpu_s_per_day: float = 0.0
    gpu_s_per_month: float = 0.0

    def state(self, now_s: float) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now_s else "active"


def new_key(name: str, secret: str, *, now_s: float) -> StoredKey:
    """A key without limits."""
    id_ = f"key_{secrets.token_hex(8)}"
    return StoredKey(id_, name, hash_of(secret), shown(secret), created_at=now_s, updated_at=now_s)


def rotated(key: StoredKey, secret: str, *, old_until: float | None) -> StoredKey:
    """The same key with a new secret; the present one works until `old_until`, if at all."""
    old_hash = None if old_until is None else key.hash
    return replace(key, hash=hash_of(secret), prefix=shown(secret), old_hash=old_hash, old_until=old_until)


def revoked(key: StoredKey, *, now_s: float) -> StoredKey:
    """The same key, good for nothing from now on."""
    return replace(key, revoked_at=now_s)


@dataclass(frozen=True, slots=True)
class Mark:
    """Changes whenever a key does."""

    count: int = 0
    updated_at: float = 0.0


class StoredKeys:
    """The table. Every method raises DatabaseUnavailable when the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self) -> Mark:
        """Cheap, and no reason to make or open a database in a file that has no keys."""
        if (path := self._database.address.path) is not None:
            return await asyncio.to_thread(_peek, path)
        async with self._database.reading() as connection:
            from sqlalchemy import func, select

            keys = _table()
            asked = select(func.count(), func.coalesce(func.max(keys.c.updated_at), 0.0)).select_from(keys)
            return Mark(*(await connection.execute(asked)).one())

    async def all(self) -> list[StoredKey]:
        """Every key there is or was, oldest first."""
        async with self._database.reading() as connection:
            keys = _table()
            rows = await connection.execute(keys.select().order_by(keys.c.created_at, keys.c.id))
            return [_stored(row) for row in rows.mappings()]

    async def changed_since(self, since_s: float) -> list[StoredKey]:
        """Those that were changed at `since_s` or later, by the table's own times."""
        async with self._database.reading() as connection:
            keys = _table()
            rows = await connection.execute(keys.select().where(keys.c.updated_at >= since_s))
            return [_stored(row) for row in rows.mappings()]

    async def find(self, word: str) -> StoredKey | None:
        """The key with this id, or the one of this name that is not revoked."""
        async with self._database.reading() as connection:
            keys = _table()
            is_meant = (keys.c.id == word) | ((keys.c.name == word) & keys.c.revoked_at.is_(None))
            by_name_last = keys.select().where(is_meant).order_by(keys.c.id != word)
            row = (await connection.execute(by_name_last)).mappings().first()
            return None if row is None else _stored(row)

    async def add(self, key: StoredKey) -> bool:
        """Keep a new key, unless its name is taken; whether that was so."""
        async with self._database.writing() as connection:
            await _be_alone(connection)
            if await _is_taken(connection, key):
                return False
            updated_at = await _next_time(connection, key.updated_at)
            await connection.execute(_table().insert().values(_values(replace(key, updated_at=updated_at))))
            return True

    async def change(
        self, id_: str, change: Callable[[StoredKey], StoredKey], *, now_s: float
    ) -> StoredKey | None:
        """Replace the key by what `change` makes of it; None if there is none, or it is revoked."""
        async with self._database.writing() as connection:
            await _be_alone(connection)
            keys = _table()
            is_meant = (keys.c.id == id_) & keys.c.revoked_at.is_(None)
            row = (await connection.execute(keys.select().where(is_meant))).mappings().first()
            if row is None:
                return None
            changed = replace(change(_stored(row)), updated_at=await _next_time(connection, now_s))
            await connection.execute(keys.update().where(keys.c.id == id_).values(_values(changed)))
            return changed


async def _be_alone(connection: "AsyncConnection") -> None:
    """One change after the other, so that their times are in order; SQLite sees to that by itself."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy import text

        await connection.execute(text("LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE"))


async def _is_taken(connection: "AsyncConnection", key: StoredKey) -> bool:
    keys = _table()
    of_same_name = keys.select().where((keys.c.name == key.name) & keys.c.revoked_at.is_(None))
    return (await connection.execute(of_same_name)).first() is not None


async def _next_time(connection: "AsyncConnection", now_s: float) -> float:
    """Later than that of any change before it, whatever the clocks of several machines say."""
    from sqlalchemy import func, select

    last_s = (await connection.execute(select(func.max(_table().c.updated_at)))).scalar_one()
    return now_s if last_s is None else max(now_s, float(last_s) + _STEP_S)


def _peek(path: Path) -> Mark:
    """The mark of a SQLite database, without SQLAlchemy: gateways look every second."""
    if not path.exists():
        return Mark()
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PEEK_TIMEOUT_S)
        try:
            has_keys = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone()
            asked = "SELECT count(*), coalesce(max(updated_at), 0.0) FROM keys"
            return Mark(*connection.execute(asked).fetchone()) if has_keys else Mark()
        finally:
            connection.close()
    except sqlite3.OperationalError as exc:
        raise DatabaseUnavailable from exc
    except sqlite3.DatabaseError:  # no database at all: it holds no keys
        return Mark()


def _table() -> "Table":
    from polychat.db.tables import keys  # only once the database is open: see the package

    return keys


def _values(key: StoredKey) -> dict[str, str | int | float | None]:
    values = {each.name: getattr(key, each.name) for each in fields(key)}
    return values | {"models": json.dumps(key.models)}


def _stored(row: "RowMapping") -> StoredKey:
    return StoredKey(**{**row, "models": tuple(json.loads(row["models"]))})
